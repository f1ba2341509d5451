package digest

import (
	"strings"
	"testing"
)

// TestAnswer: the answers of RFC 7616 3.9.1, of the challenge in 3.9.2 (computed
// with hashlib of Python, as the RFC truncates another hash: erratum 4897), of
// RFC 2617 3.5 and, without qop, of RFC 2069 2.4 with its erratum 749.
func TestAnswer(t *testing.T) {
	const (
		realm7616 = `Digest realm="http-auth@example.org", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", qop="auth, auth-int", algorithm=`
		cnonce    = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
	)
	tests := []struct{ name, challenge, user, password, uri, cnonce, response string }{
		{"MD5", realm7616 + "MD5", "Mufasa", "Circle of Life", "/dir/index.html", cnonce, "8ca523f5e9506fed4657c9700eebdbec"},
		{"SHA-256", realm7616 + "SHA-256", "Mufasa", "Circle of Life", "/dir/index.html", cnonce, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
		{
			"SHA-512-256", `Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true`,
			"Jäsøn Doe", "Secret, or not?", "/doe.json", "NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm", "7a4e1192babbba02e91182d2895bfdbf7adafc6e48d4e517ca301974843d840c",
		},
		{
			"RFC 2617", `Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
			"Mufasa", "Circle Of Life", "/dir/index.html", "0a4f113b", "6629fae49393a05397450978507c4ef1",
		},
		{
			"RFC 2069", `Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
			"Mufasa", "CircleOfLife", "/dir/index.html", "", "1949323746fe6a43ef61f9606e7febea",
		},
	}
	for _, tt := range tests {
		list := parseChallenges([]string{tt.challenge})
		if len(list) != 1 {
			t.Fatalf("%s: %d challenges", tt.name, len(list))
		}
		got := list[0].answer(tt.user, tt.password, "GET", tt.uri, tt.cnonce, 1)
		if !strings.Contains(got, `response="`+tt.response+`"`) {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
}

// TestAnswerFields: algorithm, qop and nc stand without quotes (RFC 7616 3.4), and
// what the challenge does not have is left out.
func TestAnswerFields(t *testing.T) {
	tests := []struct {
		name, challenge string
		has, lacks      []string
	}{
		{
			"all", `Digest realm="r", nonce="n", qop="auth-int,auth", algorithm=MD5-sess, opaque="o"`,
			[]string{"algorithm=MD5-sess,", "qop=auth,", "nc=00000002,", `cnonce="c"`, `opaque="o"`},
			[]string{"userhash"},
		},
		{"least", `Digest realm="", nonce="n"`, []string{`realm=""`}, []string{"algorithm", "qop", "nc=", "cnonce", "opaque"}},
		{"session without qop", `Digest realm="r", nonce="n", algorithm=SHA-256-sess`, []string{`cnonce="c"`}, []string{"qop", "nc="}},
		{"the whole entity", `Digest realm="r", nonce="n", qop="auth-int"`, []string{"qop=auth-int"}, nil},
		{
			"hashed user", `Digest realm="r", nonce="n", qop="auth", algorithm=SHA-512-256, userhash=true`,
			[]string{"userhash=true"},
			[]string{`username="a`},
		},
		{"escapes", `Digest realm="a \"b\"", nonce="n"`, []string{`realm="a \"b\""`, `username="a\"b"`}, nil},
	}
	for _, tt := range tests {
		list := parseChallenges([]string{tt.challenge})
		if len(list) != 1 {
			t.Fatalf("%s: %d challenges", tt.name, len(list))
		}
		got := list[0].answer(`a"b`, "p", "GET", "/", "c", 2)
		for _, part := range tt.has {
			if !strings.Contains(got, part) {
				t.Errorf("%s: no %s in %s", tt.name, part, got)
			}
		}
		for _, part := range tt.lacks {
			if strings.Contains(got, part) {
				t.Errorf("%s: %s in %s", tt.name, part, got)
			}
		}
	}
}

// TestParseChallenges: fields as servers write them, and those that cannot be
// answered.
func TestParseChallenges(t *testing.T) {
	tests := []struct {
		name   string
		fields []string
		want   string // algorithm/nonce/qop of each
	}{
		{"one", []string{`Digest realm="r", nonce="n", qop="auth"`}, "/n/auth"},
		{"two fields", []string{`Digest realm="r",nonce="a",algorithm=SHA-256`, `Digest realm="r",nonce="b",algorithm=MD5`}, "SHA-256/a/ MD5/b/"},
		{"several in one field", []string{`Negotiate, Basic realm="x, y", Digest realm="r", nonce="a", qop="auth,auth-int", Digest nonce="b", algorithm="md5"`}, "/a/auth md5/b/"},
		{"blanks around the sign", []string{`Digest realm = "r" , nonce = "n"`}, "/n/"},
		{"no commas", []string{`Digest realm="r" nonce="n" qop="auth"`}, "/n/auth"},
		{"no quotes", []string{`Digest realm=r, nonce=n, qop=auth`}, "/n/auth"},
		{"list without quotes", []string{`Digest qop=auth,auth-int, nonce="n"`}, "/n/auth"},
		{"case", []string{`DIGEST REALM="r", NONCE="n", ALGORITHM=Sha-256-Sess`}, "Sha-256-Sess/n/"},
		{"stray commas", []string{`, Digest ,realm="r",, nonce="n",`}, ""},
		{"no end of a quote", []string{`Digest nonce="n, qop=auth`}, "/n, qop=auth/"},
		{"unknown algorithm", []string{`Digest nonce="a", algorithm=SHA3`, `Digest nonce="b"`}, "/b/"},
		{"unknown qop", []string{`Digest nonce="a", qop="token"`}, ""},
		{"empty qop", []string{`Digest nonce="a", qop=""`}, "/a/"},
		{"no nonce", []string{`Digest realm="r"`}, ""},
		{"Basic", []string{`Basic realm="nonce=1"`}, ""},
		{"nothing", []string{"", "=", "Digest", `"`}, ""},
	}
	for _, tt := range tests {
		var got []string
		for _, ch := range parseChallenges(tt.fields) {
			got = append(got, ch.algorithm+"/"+ch.nonce+"/"+ch.qop)
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, s, tt.want)
		}
	}
}

// TestClient: the state goes from one answer of the server to the next.
func TestClient(t *testing.T) {
	const (
		sha = `Digest realm="r", qop="auth", algorithm=SHA-256, nonce=`
		md5 = `Digest realm="r", qop="auth", algorithm=MD5, nonce=`
	)
	c := NewClient("u", "p")
	send := func(want ...string) string {
		t.Helper()
		sent := c.Authorization("GET", "/")
		for _, part := range want {
			if !strings.Contains(sent, part) {
				t.Errorf("no %s in %s", part, sent)
			}
		}
		return sent
	}
	challenge := func(sent string, want bool, fields ...string) {
		t.Helper()
		if c.Challenge(sent, fields) != want {
			t.Errorf("%q: send again: %v", fields, !want)
		}
	}

	if sent := send(); sent != "" {
		t.Errorf("before any challenge %q", sent)
	}
	challenge("", false, `Basic realm="r"`)
	challenge("Basic dTpw", true, sha+`"a"`, md5+`"a"`)
	first := send("SHA-256", `nonce="a"`, "nc=00000001")
	c.Accept("")
	send("SHA-256", "nc=00000002")

	// A nonce that is stale, said and unsaid, and one that another request brought.
	challenge(send(), true, sha+`"b", stale=true`)
	challenge(first, true, sha+`"c"`)
	send(`nonce="b"`, "nc=00000001")
	c.Accept("")
	challenge(send(), true, sha+`"d"`)

	// The server refuses its own first choice: the next, and then no other.
	challenge(send(`nonce="d"`), true, sha+`"e"`, md5+`"e"`)
	challenge(send("MD5", `nonce="e"`), false, sha+`"f"`, md5+`"f"`)
	c.Accept(`nextnonce="g", qop=auth`)
	send("MD5", `nonce="g"`, "nc=00000001")
}

// FuzzParse: any field is read, and what is answered can be read back.
func FuzzParse(f *testing.F) {
	f.Add(`Digest realm="r", nonce="n", qop="auth", algorithm=SHA-512-256-sess, Basic realm="x"`)
	f.Add(`Digest nonce = n\ , qop=auth stale=TRUE`)
	f.Fuzz(func(t *testing.T, field string) {
		for _, ch := range parseChallenges([]string{field}) {
			if back := parseAnswer(ch.answer("u", "p", "GET", "/", "c", 1)); back == nil && !strings.ContainsAny(ch.nonce+ch.algorithm+ch.realm, "\\\"= ,\t") {
				t.Errorf("%+v", ch)
			}
		}
	})
}
