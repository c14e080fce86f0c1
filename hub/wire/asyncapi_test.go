package wire

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

type ref struct {
	Ref string `yaml:"$ref"`
}

// schema is as much of JSON Schema as docs/asyncapi.yaml uses to say what a struct says.
type schema struct {
	ref        `yaml:",inline"`
	Type       string             `yaml:"type"`
	Const      any                `yaml:"const"`
	Enum       []any              `yaml:"enum"`
	Required   []string           `yaml:"required"`
	Properties map[string]*schema `yaml:"properties"`
	Additional any                `yaml:"additionalProperties"`
	Items      *schema            `yaml:"items"`
	AllOf      []*schema          `yaml:"allOf"`
}

type document struct {
	Channels map[string]struct {
		Messages map[string]ref
	}
	Operations map[string]struct {
		Action   string
		Messages []ref
		Reply    struct{ Messages []ref }
	}
	Components struct {
		Messages map[string]struct {
			Name    string
			Payload *schema
		}
		Schemas map[string]*schema
	}
	CloseCodes []map[string]any `yaml:"x-close-codes"`
	ErrorCodes []map[string]any `yaml:"x-error-codes"`
}

func load(t *testing.T) document {
	t.Helper()
	text, err := os.ReadFile("../../docs/asyncapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := yaml.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAsyncAPIHasEveryMessageOnceAndNoOther(t *testing.T) {
	t.Parallel()
	d := load(t)
	messages, operations := []string{"reply.error"}, []string{}
	for _, r := range requests {
		messages = append(messages, "request."+r.method, "reply."+r.method)
		operations = append(operations, "request."+r.method)
		op := d.Operations["request."+r.method]
		inChannel := "#/channels/socket/messages/"
		if op.Action != "receive" ||
			!slices.Equal(op.Messages, []ref{{inChannel + "request." + r.method}}) ||
			!slices.Equal(op.Reply.Messages, []ref{{inChannel + "reply." + r.method}, {inChannel + "reply.error"}}) {
			t.Errorf("operation of %s: %+v", r.method, op)
		}
	}
	for _, p := range pushes {
		messages = append(messages, "push."+p.method)
		operations = append(operations, "push."+p.method)
		if op := d.Operations["push."+p.method]; op.Action != "send" || !slices.Equal(op.Messages, []ref{{"#/channels/socket/messages/push." + p.method}}) {
			t.Errorf("operation of %s: %+v", p.method, op)
		}
	}
	slices.Sort(messages)
	slices.Sort(operations)
	if diff := cmp.Diff(messages, slices.Sorted(maps.Keys(d.Components.Messages))); diff != "" {
		t.Error("components.messages", diff)
	}
	if diff := cmp.Diff(messages, slices.Sorted(maps.Keys(d.Channels["socket"].Messages))); diff != "" {
		t.Error("the channel's messages", diff)
	}
	if diff := cmp.Diff(operations, slices.Sorted(maps.Keys(d.Operations))); diff != "" {
		t.Error("operations", diff)
	}
	for name, r := range d.Channels["socket"].Messages {
		if r.Ref != "#/components/messages/"+name {
			t.Errorf("channel message %s is %s", name, r.Ref)
		}
	}
}

func TestAsyncAPIPayloadsAreTheGoStructs(t *testing.T) {
	t.Parallel()
	d := load(t)
	seen := map[string]bool{"Empty": false}
	envelope := func(message string, required []string, members ...string) map[string]*schema {
		p := d.Components.Messages[message].Payload
		if p == nil {
			t.Errorf("%s has no payload", message)
			return map[string]*schema{}
		}
		slices.Sort(members)
		if p.Type != "object" || p.Additional != false ||
			!slices.Equal(slices.Sorted(maps.Keys(p.Properties)), members) || !slices.Equal(p.Required, required) ||
			p.Properties["jsonrpc"].Const != Version {
			t.Errorf("the envelope of %s is %+v", message, p)
		}
		return p.Properties
	}
	for _, r := range requests {
		required := []string{"jsonrpc", "method", "params"}
		if !slices.ContainsFunc(membersOf(reflect.TypeOf(r.params).Elem()), func(m member) bool { return m.required }) {
			required = required[:2]
		}
		p := envelope("request."+r.method, required, "jsonrpc", "id", "method", "params")
		if p["method"].Const != r.method || d.Components.Messages["request."+r.method].Name != r.method {
			t.Errorf("request.%s is another method's", r.method)
		}
		d.same(t, r.method+" params", reflect.TypeOf(r.params), p["params"], seen)
		p = envelope("reply."+r.method, []string{"jsonrpc", "id", "result"}, "jsonrpc", "id", "result")
		d.same(t, r.method+" result", reflect.TypeOf(r.result), p["result"], seen)
	}
	for _, r := range pushes {
		p := envelope("push."+r.method, []string{"jsonrpc", "method", "params"}, "jsonrpc", "method", "params")
		if p["method"].Const != r.method {
			t.Errorf("push.%s is another's", r.method)
		}
		params := p["params"]
		if len(params.AllOf) == 2 {
			data := map[string]reflect.Type{PushPromotionPublished: reflect.TypeFor[Promotion](), PushPromotionWithdrawn: reflect.TypeFor[PromotionWithdrawn]()}
			d.same(t, r.method+" data", data[r.method], params.AllOf[1].Properties["data"], seen)
			params = params.AllOf[0]
		}
		d.same(t, r.method+" params", reflect.TypeOf(r.params), params, seen)
	}
	p := envelope("reply.error", []string{"jsonrpc", "id", "error"}, "jsonrpc", "id", "error")
	d.same(t, "error", reflect.TypeFor[Error](), p["error"], seen)

	for name := range d.Components.Schemas {
		if _, ok := seen[name]; !ok && !slices.Contains([]string{"ID", "Time", "Money", "ErrorCode"}, name) {
			t.Errorf("schema %s is in no message", name)
		}
	}
}

// same holds a schema against a Go type: names, what is required, JSON types.
func (d document) same(t *testing.T, path string, typ reflect.Type, s *schema, seen map[string]bool) {
	t.Helper()
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if s == nil {
		t.Errorf("%s has no schema", path)
		return
	}
	name := strings.TrimPrefix(s.Ref, "#/components/schemas/")
	if name != "" {
		if s = d.Components.Schemas[name]; s == nil {
			t.Errorf("%s: no schema %s", path, name)
			return
		}
	}
	want := ""
	switch {
	case typ == reflect.TypeFor[json.RawMessage]():
		if s.Type == "" || s.Type == "object" {
			return
		}
		want = "any value, or an object"
	case typ == reflect.TypeFor[Time]():
		want = "string"
		if name != "Time" {
			t.Errorf("%s is a Time", path)
		}
	case typ.Kind() == reflect.Struct:
		want = "object"
		if name != typ.Name() {
			t.Errorf("%s: schema %q, but Go's type is %s", path, name, typ.Name())
		}
		if !seen[name] {
			seen[name] = true
			d.sameStruct(t, path, typ, s, seen)
		}
	case typ.Kind() == reflect.Slice:
		want = "array"
		d.same(t, path+"[]", typ.Elem(), s.Items, seen)
	case typ.Kind() == reflect.Map:
		want = "object"
	case typ.Kind() == reflect.String:
		want = "string"
	case typ.Kind() == reflect.Bool:
		want = "boolean"
	case typ.Kind() == reflect.Int64, typ.Kind() == reflect.Int:
		want = "integer"
	}
	if s.Type != want {
		t.Errorf("%s: type %q, want %q", path, s.Type, want)
	}
}

func (d document) sameStruct(t *testing.T, path string, typ reflect.Type, s *schema, seen map[string]bool) {
	t.Helper()
	if s.Additional != false {
		t.Errorf("%s: additionalProperties must be false", path)
	}
	var names, required []string
	for _, f := range reflect.VisibleFields(typ) {
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
		if opts == "" {
			required = append(required, name)
		}
		d.same(t, path+"."+name, f.Type, s.Properties[name], seen)
	}
	slices.Sort(names)
	if diff := cmp.Diff(names, slices.Sorted(maps.Keys(s.Properties))); diff != "" {
		t.Errorf("%s: properties %s", path, diff)
	}
	if diff := cmp.Diff(required, s.Required); diff != "" {
		t.Errorf("%s: required %s", path, diff)
	}
}

func TestAsyncAPIHasTheCodes(t *testing.T) {
	t.Parallel()
	d := load(t)
	asMaps := func(table any) (rows []map[string]any) {
		text, err := json.Marshal(table)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(text, &rows); err != nil { // for its whole numbers
			t.Fatal(err)
		}
		return rows
	}
	if diff := cmp.Diff(asMaps(CloseCodes), d.CloseCodes); diff != "" {
		t.Error("close codes", diff)
	}
	if diff := cmp.Diff(asMaps(ErrorCodes), d.ErrorCodes); diff != "" {
		t.Error("error codes", diff)
	}
	var codes, nums []any
	for _, e := range ErrorCodes {
		codes = append(codes, e.Code)
		if !slices.Contains(nums, any(e.Num)) {
			nums = append(nums, e.Num)
		}
		if got := NewError(e.Code, "").Num; got != e.Num {
			t.Errorf("NewError(%s) has %d, the table %d", e.Code, got, e.Num)
		}
	}
	if diff := cmp.Diff(codes, d.Components.Schemas["ErrorCode"].Enum); diff != "" {
		t.Error("ErrorCode", diff)
	}
	if diff := cmp.Diff(nums, d.Components.Schemas["Error"].Properties["code"].Enum); diff != "" {
		t.Error("Error.code", diff)
	}
}

// protocol returns the rows of a table of docs/protocol.md, each as its cells.
func protocol(t *testing.T, title string) (rows [][]string) {
	t.Helper()
	raw, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(raw), "### "+title+"\n")
	if !found {
		t.Fatalf("no section %q", title)
	}
	section, _, _ = strings.Cut(section, "\n##")
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(strings.TrimSpace(line), "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		rows = append(rows, cells)
	}
	if len(rows) < 2 {
		t.Fatalf("no table in %q", title)
	}
	return rows[1:]
}

var quoted = regexp.MustCompile("`([^`]+)`")

// words returns the texts between backquotes.
func words(cell string) (out []string) {
	for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
		out = append(out, m[1])
	}
	return out
}

// outermost returns the outermost names of the objects in a cell, an optional one with its question mark.
func outermost(cell string) (out []string) {
	for _, object := range words(cell) {
		if !strings.HasPrefix(object, "{") {
			continue
		}
		depth, outer := 0, ""
		for _, r := range object {
			switch r {
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			default:
				if depth == 1 {
					outer += string(r)
				}
			}
		}
		for part := range strings.SplitSeq(outer, ",") {
			name, _, _ := strings.Cut(part, ":")
			if name = strings.TrimSpace(name); name != "" && name != "…" {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// namesOf returns the names of a Go struct's members.
func namesOf(v any) (out []string) {
	for _, f := range reflect.VisibleFields(reflect.TypeOf(v).Elem()) {
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		if opts != "" {
			name += "?"
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// plain returns the names without question marks: prose says which of two results is which.
func plain(names []string) (out []string) {
	for _, n := range names {
		out = append(out, strings.TrimSuffix(n, "?"))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// The tables of docs/protocol.md are read by people; they say what hub/wire and docs/asyncapi.yaml
// say, and nothing else.
func TestProtocolTextHasTheMessages(t *testing.T) {
	t.Parallel()
	rows := protocol(t, "Client → server")
	if len(rows) != len(requests) {
		t.Errorf("%d methods are described, and there are %d", len(rows), len(requests))
	}
	for _, r := range requests {
		i := slices.IndexFunc(rows, func(row []string) bool { return slices.Equal(words(row[0]), []string{r.method}) })
		if i < 0 {
			t.Errorf("method %s is not described", r.method)
			continue
		}
		if diff := cmp.Diff(namesOf(r.params), outermost(rows[i][1])); diff != "" {
			t.Errorf("params of %s: %s", r.method, diff)
		}
		if diff := cmp.Diff(plain(namesOf(r.result)), plain(outermost(rows[i][2]))); diff != "" {
			t.Errorf("result of %s: %s", r.method, diff)
		}
	}
	rows = protocol(t, "Server → client")
	described := 0
	for _, row := range rows {
		described += len(words(row[0]))
	}
	if described != len(pushes) {
		t.Errorf("%d pushes are described, and there are %d", described, len(pushes))
	}
	for _, p := range pushes {
		i := slices.IndexFunc(rows, func(row []string) bool { return slices.Contains(words(row[0]), p.method) })
		if i < 0 {
			t.Errorf("push %s is not described", p.method)
			continue
		}
		got := outermost(rows[i][1])
		if got == nil && strings.HasPrefix(rows[i][1], "the same members") {
			got = outermost(rows[i-1][1])
		}
		if diff := cmp.Diff(namesOf(p.params), got); diff != "" {
			t.Errorf("params of %s: %s", p.method, diff)
		}
	}
}

func TestProtocolTextHasTheCodes(t *testing.T) {
	t.Parallel()
	var closes, wantCloses []string
	for _, row := range protocol(t, "Close codes") {
		closes = append(closes, fmt.Sprintf("%s %s %t", row[0], words(row[1]), strings.HasPrefix(row[2], "yes")))
	}
	for _, c := range CloseCodes {
		wantCloses = append(wantCloses, fmt.Sprintf("%d %s %t", c.Code, []string{c.Name}, c.Reconnect))
	}
	if diff := cmp.Diff(wantCloses, closes); diff != "" {
		t.Error("close codes", diff)
	}
	var codes, wantCodes []string
	for _, row := range protocol(t, "Errors") {
		numbers := strings.Fields(row[1])
		for i, code := range words(row[0]) {
			codes = append(codes, fmt.Sprintf("%s %s retry %t final %t", code, numbers[min(i, len(numbers)-1)], strings.HasPrefix(row[2], "yes"), strings.HasPrefix(row[2], "answered")))
		}
	}
	for _, e := range ErrorCodes {
		wantCodes = append(wantCodes, fmt.Sprintf("%s %d retry %t final %t", e.Code, e.Num, e.Retry, e.Final))
	}
	slices.Sort(codes)
	slices.Sort(wantCodes)
	if diff := cmp.Diff(wantCodes, codes); diff != "" {
		t.Error("error codes", diff)
	}
}
