package strict_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

// hostile is JSON of which a careless reader makes something else than was checked, and says
// whether it may be read all the same.
var hostile = []struct {
	name, text string
	ok         bool
	says       string // a part of Decode's error
}{
	{"an object", `{"amount":100}`, true, ""},
	{"white space", "\t\r\n {\"amount\" : 100 } \n", true, ""},
	{"the name with an escape", `{"\u0061mount":100}`, true, ""},
	{"the largest number", `{"amount":9223372036854775807}`, true, ""},
	{"nested to the limit", `{"any":` + strings.Repeat("[", strict.DepthMax-1) + strings.Repeat("]", strict.DepthMax-1) + `}`, true, ""},
	{"a pair of surrogates", `{"text":"\ud83d\ude00"}`, true, ""},
	{"an escaped backslash before u0000", `{"text":"\\u0000"}`, true, ""},

	{"nothing", ``, false, "ends too early"},
	{"only white space", " \n", false, "ends too early"},
	{"a word", `hello`, false, "not JSON"},
	{"half an object", `{"amount":100`, false, "ends too early"},
	{"two objects", `{"amount":100}{"amount":50000}`, false, "not JSON"},
	{"NUL behind", "{\"amount\":100}\x00", false, "not JSON"},
	{"a comma too many", `{"amount":100,}`, false, "not JSON"},
	{"a comment", `{"amount":100/**/}`, false, "not JSON"},
	{"single quotes", `{'amount':100}`, false, "not JSON"},
	{"a byte order mark", "\uFEFF{}", false, "not JSON"},
	{"a member twice", `{"amount":100,"amount":50000}`, false, `has the member "amount" twice`},
	{"a member twice, one with an escape", `{"amount":100,"\u0061mount":50000}`, false, `has the member "amount" twice`},
	{"a member twice, deep", `{"any":[{"a":1,"b":2,"a":3}]}`, false, `any[0] has the member "a" twice`},
	{"a number with a leading zero", `{"amount":0100}`, false, "not JSON"},
	{"a number with a plus", `{"amount":+100}`, false, "not JSON"},
	{"no number", `{"amount":NaN}`, false, "not JSON"},
	{"a line feed in a string", "{\"text\":\"a\nb\"}", false, "not JSON"},
	{"no UTF-8", "{\"text\":\"\xff\"}", false, "UTF-8"},
	{"no UTF-8 in a name", "{\"\xff\":1}", false, "UTF-8"},
	{"a surrogate as UTF-8", "{\"text\":\"\xed\xa0\x80\"}", false, "UTF-8"},
	{"an overlong NUL", "{\"text\":\"\xc0\x80\"}", false, "UTF-8"},
	{"half a surrogate pair", `{"text":"\ud83d"}`, false, "surrogate"},
	{"half a surrogate pair in a name", `{"\udc00":1}`, false, "surrogate"},
	{"surrogates the wrong way round", `{"text":"\ude00\ud83d"}`, false, "surrogate"},
	{"U+0000", `{"text":"a\u0000b"}`, false, "text holds U+0000"},
	{"U+0000 in a name", `{"any":{"a\u0000":1}}`, false, "holds U+0000"},
	{"U+0000 after an escaped quote", `{"text":"\"\u0000"}`, false, "text holds U+0000"},
	{"an unknown escape", `{"text":"\x41"}`, false, "not JSON"},
	{"nested too deep", `{"any":` + strings.Repeat("[", strict.DepthMax) + strings.Repeat("]", strict.DepthMax) + `}`, false, "nested deeper"},
	{"nested too deep to be read at all", strings.Repeat(`{"any":`, 1e5), false, "nested deeper"},
}

type body struct {
	Amount int64           `json:"amount"`
	Text   string          `json:"text"`
	Any    json.RawMessage `json:"any,omitempty"`
}

func TestHostileJSONIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range hostile {
		var in body
		decoded := strict.Decode([]byte(c.text), &in)
		if (decoded == nil) != c.ok || decoded != nil && !strings.Contains(decoded.Error(), c.says) {
			t.Errorf("%s: Decode: %v, want %q", c.name, decoded, c.says)
		}
		if _, ours := errors.AsType[*strict.Error](decoded); decoded != nil && (!ours || len(decoded.Error()) > 200 || strings.Contains(decoded.Error(), "json:")) {
			t.Errorf("%s: not for people: %v", c.name, decoded)
		}
	}
}

func TestWhatWasCheckedIsWhatIsUsed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, says string }{
		{`{"amount":100,"Amount":50000}`, `it has no member "Amount"`},
		{`{"AMOUNT":100}`, `it has no member "AMOUNT"`},
		{`{"amount":null}`, "amount must not be null"},
		{`{"any":{"a":[0,null]}}`, "any.a[1] must not be null"},
		{`null`, "it must not be null"},
		{`{"amount":1.0}`, "amount must be a whole number"},
		{`{"amount":1e2}`, "amount must be a whole number"},
		{`{"amount":"100"}`, "amount must be a whole number"},
		{`{"amount":9223372036854775808}`, "amount must be a whole number"},
		{`{"text":7}`, "text must be a string"},
		{`{"text":{}}`, "text must be a string"},
		{`[]`, "it must be an object"},
		{`"x"`, "it must be an object"},
	} {
		var in body
		if err := strict.Decode([]byte(c.text), &in); err == nil || !strings.HasPrefix(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.text, err, c.says)
		}
	}
	var nested struct {
		Bets []struct {
			At    time.Time   `json:"at"`
			Line  strict.Line `json:"line"`
			Open  bool        `json:"open"`
			Ratio float64     `json:"ratio"`
		} `json:"bets"`
		By map[string]int8 `json:"by"`
	}
	for text, says := range map[string]string{
		`{"bets":[{},{"at":"now"}]}`:      ".bets[1].at must be a time, as 2030-12-31T23:59:00Z",
		`{"bets":[{"at":7}]}`:             ".bets[0].at must be a time, as 2030-12-31T23:59:00Z",
		`{"bets":[{"line":7}]}`:           ".bets[0].line must be a string",
		`{"bets":[{"line":"a\n"}]}`:       ".bets[0].line holds U+000A, which no text may",
		`{"bets":[{"open":1}]}`:           ".bets[0].open must be true or false",
		`{"bets":[{"ratio":"1"}]}`:        ".bets[0].ratio must be a number",
		`{"bets":[{"x":1}]}`:              `.bets[0] has no member "x"`,
		`{"bets":{}}`:                     ".bets must be a list",
		`{"by":[]}`:                       ".by must be an object",
		`{"by":{"a.b":128}}`:              `.by."a.b" must be a whole number, without quotes, fraction or exponent, that fits 8 bits`,
		`{"by":{"` + "\u202E" + `":"x"}}`: `.by."\u202e" must be a whole number, without quotes, fraction or exponent, that fits 8 bits`,
	} {
		err := strict.Decode([]byte(text), &nested)
		if bad, ok := errors.AsType[*strict.Error](err); !ok || bad.Of("command") != "command"+says && bad.Of("command") != "command "+says {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}

func TestWhatIsAbsentStaysAsItIs(t *testing.T) {
	t.Parallel()
	in := body{Amount: 7, Text: "default"}
	if err := strict.Decode([]byte(`{"amount":8}`), &in); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(body{Amount: 8, Text: "default"}, in); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeKnownIgnoresWhatALaterVersionAddedAndNothingElse(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		`{"amount":100,"added":{"later":[null]}}`: true,
		`{"amount":100,"Amount":50000}`:           true, // Amount is somebody else's member
		`{"amount":null}`:                         true,
		`{"amount":100,"amount":50000}`:           false,
		`{"amount":100,"x":1,"x":2}`:              false,
		"{\"amount\":100,\"text\":\"\xff\"}":      false,
		`{"amount":100} x`:                        false,
		`{"amount":"100"}`:                        false,
		``:                                        false,
	} {
		var in body
		err := strict.DecodeKnown([]byte(text), &in)
		if (err == nil) != ok || in.Amount == 50000 {
			t.Errorf("%s: %+v, %v", text, in, err)
		}
	}
}

// FuzzDecode shows that Decode accepts only what encoding/json accepts too, and takes the same from
// it, and that its errors can be told to anybody.
func FuzzDecode(f *testing.F) {
	for _, c := range hostile {
		if len(c.text) < 1e4 {
			f.Add([]byte(c.text))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := string(text)
		var in, std body
		err := strict.Decode(text, &in)
		if string(text) != before {
			t.Fatal("the text was changed")
		}
		if err != nil {
			if strict.CheckLine(err.Error()) != nil || len(err.Error()) > 1000 {
				t.Fatalf("%q: %q", text, err)
			}
			return
		}
		if err := json.Unmarshal(text, &std); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if diff := cmp.Diff(std, in); diff != "" {
			t.Fatalf("%q: %s", text, diff)
		}
		if stored, err := json.Marshal(in); err != nil || strings.Contains(string(stored), `\u0000`) && !strings.Contains(before, `\\u0000`) {
			t.Fatalf("%q is stored as %s, %v", text, stored, err)
		}
	})
}

func BenchmarkBet(b *testing.B) {
	raw := []byte(`{"type":"bet","bets":[{"position":"black","amount":500},{"position":"dozen:2","amount":100}]}`)
	b.ReportAllocs()
	for b.Loop() {
		var in struct {
			Type string `json:"type"`
			Bets []struct {
				Position string `json:"position"`
				Amount   int64  `json:"amount"`
			} `json:"bets"`
		}
		if err := strict.Decode(raw, &in); err != nil {
			b.Fatal(err)
		}
	}
}
