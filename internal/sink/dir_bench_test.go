package sink

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// BenchmarkDirPut stores pictures in a directory at its limit, so that each Put
// writes one and deletes one.
func BenchmarkDirPut(b *testing.B) {
	for _, keep := range []int{10, 100_000} {
		b.Run(fmt.Sprint(keep), func(b *testing.B) {
			root := b.TempDir()
			stuff(b, root, keep)
			d := openDir(b, root, &DirOptions{Keep: Retention{Count: keep}})
			p := shot(0, strings.Repeat("x", 50<<10))
			put(b, d, p)
			n := 0
			for b.Loop() {
				n++
				p.Time = noon.Add(time.Duration(n) * time.Second)
				if _, err := d.Put(b.Context(), p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkOpenDir opens a directory of a hundred thousand pictures.
func BenchmarkOpenDir(b *testing.B) {
	root := b.TempDir()
	stuff(b, root, 100_000)
	for b.Loop() {
		d, err := OpenDir(root, nil)
		if err != nil {
			b.Fatal(err)
		}
		d.Close()
	}
}

// stuff makes empty pictures of cam and their journal.
func stuff(b *testing.B, root string, pictures int) {
	b.Helper()
	var journal strings.Builder
	for n := range pictures {
		p := shot(-time.Duration(pictures-n)*time.Minute, "")
		name := Template{}.Path(p)
		if n == 0 || p.Time.Hour()+p.Time.Minute() == 0 {
			dir := filepath.Dir(name)
			journal.WriteString(pathLine("d", dir))
			if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
				b.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o644); err != nil {
			b.Fatal(err)
		}
		journal.WriteString(entry{p.Time.UnixMilli(), time.Now().UnixMilli(), 0, name}.String())
	}
	writeFile(b, filepath.Join(root, stateDir, "cam"+journalSuffix), journal.String())
}
