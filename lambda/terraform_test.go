package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// module is deploy/terraform as a parser without AWS's schema sees it.
type module struct {
	declared map[string]*hclsyntax.Block // var.name, data.type.name, type.name
	used     map[string]bool
}

func parseModule(t *testing.T) *module {
	t.Helper()
	files, err := filepath.Glob("../deploy/terraform/*.tf")
	if err != nil || len(files) == 0 {
		t.Fatal("no Terraform module", err)
	}
	m := &module{declared: map[string]*hclsyntax.Block{}, used: map[string]bool{}}
	parser := hclparse.NewParser()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(text, hclwrite.Format(text)) {
			t.Errorf("%s is not formatted as terraform fmt does: %v", file, err)
		}
		f, problems := parser.ParseHCL(text, file)
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		body := f.Body.(*hclsyntax.Body)
		for _, b := range body.Blocks {
			m.declare(t, b)
		}
		m.read(body)
	}
	return m
}

func (m *module) declare(t *testing.T, b *hclsyntax.Block) {
	t.Helper()
	name := strings.Join(b.Labels, ".")
	switch b.Type {
	case "variable":
		name = "var." + name
	case "data":
		name = "data." + name
	case "output":
		name = "output." + name
	}
	if m.declared[name] != nil {
		t.Errorf("%s is declared twice", name)
	}
	m.declared[name] = b
}

// read notes what the expressions refer to.
func (m *module) read(body *hclsyntax.Body) {
	hclsyntax.VisitAll(body, func(node hclsyntax.Node) hcl.Diagnostics {
		e, ok := node.(*hclsyntax.ScopeTraversalExpr)
		if !ok {
			return nil
		}
		parts := []string{e.Traversal.RootName()}
		for _, step := range e.Traversal[1:] {
			if attribute, ok := step.(hcl.TraverseAttr); ok {
				parts = append(parts, attribute.Name)
			}
		}
		length := 2
		if parts[0] == "data" {
			length = 3
		}
		m.used[strings.Join(parts[:min(length, len(parts))], ".")] = true
		return nil
	})
}

// texts returns all literal strings in an attribute.
func texts(a *hclsyntax.Attribute) (list []string) {
	hclsyntax.VisitAll(a.Expr, func(node hclsyntax.Node) hcl.Diagnostics {
		if e, ok := node.(*hclsyntax.LiteralValueExpr); ok && e.Val.Type() == cty.String {
			list = append(list, e.Val.AsString())
		}
		return nil
	})
	return list
}

// walk calls see for each block in body, at any depth.
func walk(body *hclsyntax.Body, see func(*hclsyntax.Block)) {
	for _, b := range body.Blocks {
		see(b)
		walk(b.Body, see)
	}
}

// TestTerraform: every reference is declared, every variable is used and
// described.
func TestTerraform(t *testing.T) {
	m := parseModule(t)
	for name := range m.used {
		root, _, _ := strings.Cut(name, ".")
		if m.declared[name] == nil && root != "each" && root != "statement" && name != "string" && name != "number" && name != "bool" {
			t.Errorf("%s is not declared", name)
		}
	}
	for name, b := range m.declared {
		if b.Type != "variable" {
			continue
		}
		if !m.used[name] {
			t.Errorf("%s is not used", name)
		}
		for _, attribute := range []string{"description", "type"} {
			if b.Body.Attributes[attribute] == nil {
				t.Errorf("%s has no %s", name, attribute)
			}
		}
	}
	function := m.declared["aws_lambda_function.this"]
	if function == nil {
		t.Fatal("no function")
	}
	if got := texts(function.Body.Attributes["runtime"]); !slices.Equal(got, []string{"provided.al2023"}) {
		t.Errorf("runtime %q", got)
	}
}

// TestTerraformEnvironment: the module sets the variables that the function
// reads, and its streams have the fields of an event.
func TestTerraformEnvironment(t *testing.T) {
	m := parseModule(t)
	var names []string
	walk(m.declared["aws_lambda_function.this"].Body, func(b *hclsyntax.Block) {
		if b.Type != "environment" {
			return
		}
		for _, item := range b.Body.Attributes["variables"].Expr.(*hclsyntax.ObjectConsExpr).Items {
			names = append(names, hcl.ExprAsKeyword(item.KeyExpr))
		}
	})
	slices.Sort(names)
	if want := []string{allowedVariable, maxAgeVariable, streamsVariable}; !slices.Equal(names, want) {
		t.Errorf("environment %q, want %q", names, want)
	}
	streams := m.declared["var.streams"].Body
	stream := map[string]any{}
	hclsyntax.VisitAll(streams.Attributes["type"].Expr, func(node hclsyntax.Node) hcl.Diagnostics {
		if e, ok := node.(*hclsyntax.ObjectConsExpr); ok {
			for _, item := range e.Items {
				stream[hcl.ExprAsKeyword(item.KeyExpr)] = nil // as Terraform writes what is left out
			}
		}
		return nil
	})
	stream["url"] = "https://example.com/live.m3u8"
	for field := range reflect.TypeFor[order]().Fields() {
		name := field.Tag.Get("json")
		if _, there := stream[name]; !there && name != "stream" {
			t.Errorf("streams have no %q", name)
		}
	}
	environment{streamsVariable: named(t, "lobby", stream)}.open(t)
	if streams.Attributes["sensitive"] == nil {
		t.Error("the streams' credentials are shown in plans")
	}
}

// TestTerraformRights: no right has a wildcard, and the function may only write
// its log and its pictures.
func TestTerraformRights(t *testing.T) {
	m := parseModule(t)
	granted := map[string][]string{}
	for name, b := range m.declared {
		walk(b.Body, func(inner *hclsyntax.Block) {
			if a := inner.Body.Attributes["actions"]; a != nil {
				granted[name] = append(granted[name], texts(a)...)
			}
			if a := inner.Body.Attributes["resources"]; a != nil {
				for _, e := range a.Expr.(*hclsyntax.TupleConsExpr).Exprs {
					if v, problems := e.Value(nil); !problems.HasErrors() && v.AsString() == "*" {
						t.Errorf("%s is for all resources", name)
					}
				}
			}
		})
		if a := b.Body.Attributes["action"]; a != nil {
			granted[name] = append(granted[name], texts(a)...)
		}
	}
	if len(granted) != 6 {
		t.Errorf("rights are given by %d blocks: %v", len(granted), granted)
	}
	for name, actions := range granted {
		for _, action := range actions {
			if strings.Contains(action, "*") || !strings.Contains(action, ":") {
				t.Errorf("%s grants %q", name, action)
			}
		}
	}
	rights := granted["data.aws_iam_policy_document.function"]
	if slices.Sort(rights); !slices.Equal(rights, []string{"logs:CreateLogStream", "logs:PutLogEvents", "s3:PutObject"}) {
		t.Errorf("the function may %q", rights)
	}
	url := m.declared["var.function_url_public"].Body.Attributes["default"]
	if v, problems := url.Expr.Value(nil); problems.HasErrors() || v.True() {
		t.Error("the URL is public by default")
	}
}
