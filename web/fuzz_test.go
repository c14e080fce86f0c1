package web_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

var (
	fuzzRequests = flag.Int("api.requests", 600, "how many requests TestWhateverIsAskedIsAnsweredAsDocumented makes")
	fuzzSeed     = flag.Uint64("api.seed", 0, "what they follow from; 0: another one each time")
)

// object is a part of the OpenAPI document.
type object = map[string]any

// fuzzer makes requests from the OpenAPI document.
type fuzzer struct {
	doc        object
	operations []operation
	r          *rand.Rand
	known      map[string][]string // values that answers had, by the names of members
}

// operation is what can be asked for.
type operation struct {
	method, path string
	params       []object
	body         object // its schema; nil: none
}

func newFuzzer(t *testing.T, seed uint64) *fuzzer {
	t.Helper()
	f := &fuzzer{r: rand.New(rand.NewPCG(seed, 0)), known: map[string][]string{
		"room": {webtest.Table, "roulette-2", "lobby"}, "player": {"alice", "bob", "carol"}, "subject": {"zoe"}, "round": {"1", "2"}, "game": {"roulette", "baccarat"},
		"url": {"https://receiver.example/"}, "reason": {"a test"}, "command": {uuid.NewString()}, "delivery": {"1"},
	}}
	if err := json.Unmarshal(web.OpenAPI(), &f.doc); err != nil {
		t.Fatal(err)
	}
	for path, item := range f.doc["paths"].(object) {
		for method, op := range item.(object) {
			o := operation{method: strings.ToUpper(method), path: path}
			if list, ok := op.(object)["parameters"].([]any); ok {
				for _, p := range list {
					o.params = append(o.params, f.resolve(p))
				}
			}
			if body, ok := op.(object)["requestBody"].(object); ok {
				o.body = body["content"].(object)["application/json"].(object)["schema"].(object)
			}
			f.operations = append(f.operations, o)
		}
	}
	slices.SortFunc(f.operations, func(a, b operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return f
}

// resolve returns what a part of the document refers to, with what stands beside the reference.
func (f *fuzzer) resolve(v any) object {
	o := v.(object)
	ref, ok := o["$ref"].(string)
	if !ok {
		return o
	}
	at := any(f.doc)
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		at = at.(object)[part]
	}
	out := object{}
	for k, x := range f.resolve(at) {
		out[k] = x
	}
	for k, x := range o {
		if k != "$ref" {
			out[k] = x
		}
	}
	return out
}

// oneIn reports true once in n times.
func (f *fuzzer) oneIn(n int) bool { return f.r.IntN(n) == 0 }

func pick[T any](f *fuzzer, of ...T) T { return of[f.r.IntN(len(of))] }

// odd are texts that somebody has not thought of.
var odd = []string{
	"", " ", "\x00", "a\x00b", "\u202e", "\u2028", "e\u0301", "🎰", "' or 1=1 --", "%", "%00", "..", "a/b", "null", "NaN", "-0", "1e3", "0x10", "９", "<b>", "=1+1", "\t", "\ufffd", "\U0010ffff",
	"9223372036854775808", "-9223372036854775809", strings.Repeat("x", 64), strings.Repeat("x", 65), strings.Repeat("ü", 501), strings.Repeat("y", 5000),
}

// value returns a value of a schema, at its bounds now and then, and one in twenty times something else. name is that of the member or parameter.
func (f *fuzzer) value(name string, schema object) any {
	schema = f.resolve(schema)
	if f.oneIn(20) {
		return pick[any](f, nil, true, 0, -1, 1.5, math.MaxInt64, "", []any{}, object{}, []any{nil}, object{"": 1}, pick(f, odd...))
	}
	if list, ok := schema["enum"].([]any); ok {
		return pick(f, list...)
	}
	if list := f.known[name]; len(list) > 0 && f.r.IntN(3) > 0 {
		text := pick(f, list...)
		if schema["type"] == nil || schema["type"] == "string" || !regexp.MustCompile(`^[1-9]\d{0,17}$`).MatchString(text) {
			return text
		}
		return json.Number(text)
	}
	switch schema["type"] {
	case "object":
		out := object{}
		required, _ := schema["required"].([]any)
		properties, _ := schema["properties"].(object)
		names := make([]string, 0, len(properties))
		for n := range properties {
			names = append(names, n)
		}
		slices.Sort(names)
		for _, n := range names {
			if slices.Contains(required, any(n)) && !f.oneIn(40) || f.oneIn(2) {
				out[n] = f.value(n, properties[n].(object))
			}
		}
		if f.oneIn(40) {
			out[pick(f, "more", "", "Reason", "__proto__")] = 1
		}
		if name == "settings" {
			out[pick(f, "min_bet", "max_bet", "betting_ms", "spin_ms", "nothing")] = pick[any](f, 0, 1, 100, 5000, -1, "x", math.MaxInt64)
		}
		return out
	case "array":
		out := []any{}
		for range pick(f, 0, 1, 1, 2, 3, 101) {
			out = append(out, f.value("", schema["items"].(object)))
		}
		return out
	case "boolean":
		return f.oneIn(2)
	case "integer":
		low, high := number(schema["minimum"], -1000), number(schema["maximum"], 1_000_000)
		return pick(f, low, high, low-1, high+1, 0, 1, -1, 100, f.r.Int64N(10_000))
	}
	return f.text(schema)
}

func number(v any, or int64) int64 {
	n, ok := v.(float64)
	switch {
	case !ok:
		return or
	case n >= math.MaxInt64:
		return math.MaxInt64
	}
	return int64(n)
}

// text returns a text of a schema.
func (f *fuzzer) text(schema object) string {
	switch pattern, _ := schema["pattern"].(string); {
	case strings.HasPrefix(pattern, "^([0-9a-fA-F]{8}"):
		var id uuid.UUID
		for i := range id {
			id[i] = byte(f.r.Uint32())
		}
		return id.String()
	case strings.HasPrefix(pattern, "^(#"):
		return fmt.Sprintf("#%06x", f.r.IntN(1<<24))
	case pattern != "":
		return fmt.Sprint("fuzz-", f.r.IntN(1000))
	}
	if schema["format"] == "date-time" {
		return time.Now().Add(time.Duration(f.r.Int64N(int64(800*24*time.Hour))) - 10*24*time.Hour).UTC().Format(time.RFC3339)
	}
	low, high := int(number(schema["minLength"], 0)), int(number(schema["maxLength"], 40))
	switch f.r.IntN(6) {
	case 0:
		return strings.Repeat("ü", high)
	case 1:
		return strings.Repeat("z", high+1)
	case 2:
		return strings.Repeat("a", low)
	case 3:
		return pick(f, odd...)
	}
	return pick(f, "a test", "alice", "https://receiver.example/", "192.0.2.0/24", "2001:db8::/32", "AAAA", "x")
}

// asText writes a value as it stands in a URL or a header.
func asText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = asText(v[i])
		}
		return strings.Join(parts, ",")
	}
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// request returns a request of an operation: its path and query, its body, and headers.
func (f *fuzzer) request(o operation) (path, body string, header []string) {
	path = o.path
	query := url.Values{}
	for _, p := range o.params {
		name := p["name"].(string)
		from := name
		if name == "id" {
			from += " of " + strings.Split(o.path, "/")[2]
		}
		switch v := asText(f.value(from, p["schema"].(object))); {
		case p["in"] == "path":
			path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(v))
		case p["in"] == "query" && f.oneIn(max(3, len(o.params)/2)):
			query.Add(name, v)
		case p["in"] == "header" && f.oneIn(4):
			if regexp.MustCompile(`^[ -~]+$`).MatchString(v) {
				header = append(header, name, v)
			}
		}
	}
	if len(o.params) > 10 && f.oneIn(10) { // a list by fields; others pass over what they do not know
		query.Add(pick(f, "more", "limit", "sort", "player.like", ""), pick(f, odd...))
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	if o.body != nil {
		text, err := json.Marshal(f.value("", o.body))
		if err != nil {
			panic(err)
		}
		body = string(text)
		if f.oneIn(40) {
			body = pick(f, "", "{", "[]", "null", "0", `{"reason":"a","reason":"b"}`, "{}x", "\xff", `{"reason":"\ud800"}`, strings.Repeat("[", 20_000), `{"reason":"`+strings.Repeat("r", 90_000)+`"}`)
		}
		if f.oneIn(40) {
			header = append(header, "Content-Type", pick(f, "text/plain", "application/json; charset=utf-8", "application/xml", "x"))
		}
	}
	if o.method == http.MethodGet && f.oneIn(6) {
		header = append(header, "Accept", pick(f, "text/csv", "application/jsonl", "application/x-ndjson", "text/html", "*/*"))
	}
	return path, body, header
}

// learn keeps what an answer about something names, so that later requests ask for it.
func (f *fuzzer) learn(of string, v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			f.learn(of, x)
		}
	case object:
		if v["asked_by"] != nil {
			of = "approvals"
		}
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			x := v[name]
			as := map[string]string{"id": "id of " + of, "room": "room", "player": "player", "next": "cursor", "command_id": "command", "round": "round"}[name]
			number, isNumber := x.(float64)
			text, _ := x.(string)
			if isNumber {
				text = fmt.Sprint(int64(number))
				if name == "id" {
					as = "delivery"
				}
			}
			if as != "" && text != "" {
				f.known[as] = append(f.known[as], text)
				if n := len(f.known[as]); n > 30 {
					f.known[as] = slices.Delete(f.known[as], 3, 4) // the first ones are there for good
				}
			}
			f.learn(of, x)
		}
	}
}

// With -api.requests and -api.seed, more of them, and the same again.
func TestWhateverIsAskedIsAnsweredAsDocumented(t *testing.T) {
	t.Parallel()
	seed := *fuzzSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("make fuzz-api REQUESTS=%d SEED=%d", *fuzzRequests, seed)
	f, c := newFuzzer(t, seed), webtest.New(t)
	for _, p := range f.known["player"] {
		c.Player(p, 100_000)
	}
	above := int64(5000) // so that credits need a second person
	if _, err := c.Admin.SetTenant(t.Context(), c.Tenant.Slug, tenancy.Settings{CreditApprovalAbove: &above}, "a test"); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, s := range auth.KeyScopes() {
		all = append(all, string(s))
	}
	made := 0
	token := func(who int) string {
		made++
		name := fmt.Sprint("fuzzer-", made)
		switch who {
		case 0:
			return ""
		case 1:
			_, text := c.Key(tenancy.NewAPIKey{Name: "all", Scopes: all})
			return text
		case 2:
			_, text := c.Key(tenancy.NewAPIKey{Name: "one", Scopes: []string{pick(f, all...)}})
			return text
		case 3:
			return c.Token("alice", auth.Player)
		case 4:
			return c.Token(name, auth.Support)
		case 5:
			return c.Token(name, auth.Service)
		}
		return c.Token(name, auth.Operator) // most of the time
	}
	callers := make([]string, 14)
	for i := range callers {
		callers[i] = token(i)
	}
	statuses, answered := map[int]int{}, map[string]bool{}
	for range *fuzzRequests {
		o, who := pick(f, f.operations...), f.r.IntN(len(callers))
		path, body, header := f.request(o)
		a := c.Do(o.method, callers[who], path, body, header...)
		statuses[a.Status]++
		switch {
		case a.Status == http.StatusInternalServerError:
			t.Errorf("%s %s %v %.500s: %d: %s", o.method, path, header, body, a.Status, a.Body)
		case a.Status == http.StatusUnauthorized && who != 0: // it was sent away, or its key was revoked
			callers[who] = token(who)
		case a.Status < http.StatusMultipleChoices:
			answered[o.method+" "+o.path] = true
			var said any
			if json.Unmarshal(a.Body, &said) == nil {
				f.learn(strings.Split(o.path, "/")[2], said)
			}
		}
		if t.Failed() {
			t.Fatalf("replay it by make fuzz-api REQUESTS=%d SEED=%d; it asked for %s %s %v %.2000s", *fuzzRequests, seed, o.method, path, header, body)
		}
	}
	var never []string
	for _, o := range f.operations {
		if name := o.method + " " + o.path; !answered[name] {
			never = append(never, name)
		}
	}
	t.Logf("%d requests by status: %v; operations that were never done: %q", *fuzzRequests, statuses, never)
}
