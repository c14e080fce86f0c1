package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

func TestEveryRequestDecodesToWhatItWas(t *testing.T) {
	t.Parallel()
	for _, r := range requests {
		params, err := marshal(r.params)
		if err != nil {
			t.Fatal(err)
		}
		frame := fmt.Appendf(nil, ` {"params":%s,"method":%q,"id":"x","jsonrpc":"2.0"} `, params, r.method)
		req, bad := Decode(frame)
		if bad != nil {
			t.Fatalf("%s: %v", frame, bad)
		}
		clear(frame) // the Request must not live in it
		if string(req.ID) != `"x"` || req.Method != r.method {
			t.Fatalf("%s: %+v", r.method, req)
		}
		got := reflect.New(reflect.TypeOf(r.params).Elem()).Interface()
		if bad := DecodeParams(req.Params, got); bad != nil {
			t.Fatalf("%s: %v", r.method, bad)
		}
		if diff := cmp.Diff(r.params, got); diff != "" {
			t.Errorf("%s\n%s", r.method, diff)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, c := range []struct{ name, frame, code, id, says string }{
		{"nothing", ``, CodeParse, "", "too early"},
		{"text", `hello`, CodeParse, "", "not JSON"},
		{"a string", `"x"`, CodeParse, "", "an object"},
		{"null", `null`, CodeInvalidRequest, "", "jsonrpc"},
		{"half an object", `{"jsonrpc":"2.0","id":1`, CodeParse, "", "too early"},
		{"two objects", `{"jsonrpc":"2.0","id":1,"method":"ping"}{}`, CodeParse, "", "after top-level value"},
		{"trailing comma", `{"jsonrpc":"2.0","id":1,"method":"ping",}`, CodeParse, "", "byte 39"},
		{"NUL after", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\x00", CodeParse, "", "after top-level value"},
		{"not UTF-8", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pi\xffng\"}", CodeParse, "", "UTF-8"},
		{"control character", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pi\nng\"}", CodeParse, "", "control"},
		{"leading zero", `{"jsonrpc":"2.0","id":01,"method":"ping"}`, CodeParse, "", "','"},
		{"NaN", `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"t":NaN}}`, CodeParse, "", "value"},
		{"member twice", `{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}`, CodeParse, "", `"id" twice`},
		{"member twice, deep", `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"t":[{"a":1,"\u0061":2}]}}`, CodeParse, "", `"a" twice`},
		{"member twice, one in capitals", `{"jsonrpc":"2.0","id":1,"ID":2,"method":"ping"}`, CodeInvalidRequest, "1", `no member "ID"`},
		{"parameter twice", `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"t":1,"t":2}}`, CodeParse, "", `params has the member "t" twice`},
		{"half a surrogate pair", `{"jsonrpc":"2.0","id":"\ud800","method":"ping"}`, CodeParse, "", "surrogate"},
		{"too deep", `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"t":` + deep(2*strict.DepthMax) + `}}`, CodeParse, "", "nested"},
		{"batch", ` [{"jsonrpc":"2.0","id":1,"method":"ping"}]`, CodeInvalidRequest, "", "batch"},
		{"no version", `{"id":1,"method":"ping"}`, CodeInvalidRequest, "1", "jsonrpc"},
		{"version 1", `{"jsonrpc":"1.0","id":1,"method":"ping"}`, CodeInvalidRequest, "1", "jsonrpc"},
		{"version as a number", `{"jsonrpc":2.0,"id":1,"method":"ping"}`, CodeInvalidRequest, "1", "jsonrpc"},
		{"id null", `{"jsonrpc":"2.0","id":null,"method":"ping"}`, CodeInvalidRequest, "", "id"},
		{"id true", `{"jsonrpc":"2.0","id":true,"method":"ping"}`, CodeInvalidRequest, "", "id"},
		{"id an object", `{"jsonrpc":"2.0","id":{},"method":"ping"}`, CodeInvalidRequest, "", "id"},
		{"id with a fraction", `{"jsonrpc":"2.0","id":1.5,"method":"ping"}`, CodeInvalidRequest, "", "fraction"},
		{"id with an exponent", `{"jsonrpc":"2.0","id":1e3,"method":"ping"}`, CodeInvalidRequest, "", "exponent"},
		{"id too long", `{"jsonrpc":"2.0","id":"` + strings.Repeat("a", IDBytesMax) + `","method":"ping"}`, CodeInvalidRequest, "", "longer"},
		{"no method", `{"jsonrpc":"2.0","id":"a"}`, CodeInvalidRequest, `"a"`, "method"},
		{"empty method", `{"jsonrpc":"2.0","id":"a","method":""}`, CodeInvalidRequest, `"a"`, "method"},
		{"method a number", `{"jsonrpc":"2.0","id":"a","method":7}`, CodeInvalidRequest, `"a"`, "method"},
		{"a reply", `{"jsonrpc":"2.0","id":"a","result":{}}`, CodeInvalidRequest, `"a"`, "result"},
		{"another member", `{"jsonrpc":"2.0","id":-3,"method":"ping","tenant":"x"}`, CodeInvalidRequest, "-3", "tenant"},
		{"member in capitals", `{"jsonrpc":"2.0","id":-3,"Method":"ping"}`, CodeInvalidRequest, "-3", "Method"},
		{"params a list", `{"jsonrpc":"2.0","id":5,"method":"ping","params":[]}`, CodeInvalidParams, "5", "object"},
		{"params null", `{"jsonrpc":"2.0","id":5,"method":"ping","params":null}`, CodeInvalidParams, "5", "object"},
	} {
		req, err := Decode([]byte(c.frame))
		if err == nil {
			t.Errorf("%s: accepted as %+v", c.name, req)
			continue
		}
		if err.Data.Code != c.code || string(req.ID) != c.id || !strings.Contains(err.Message, c.says) {
			t.Errorf("%s: %v, id %q; want %s, id %q, a message with %q", c.name, err, req.ID, c.code, c.id, c.says)
		}
		if reply := ReplyError(req.ID, err); !json.Valid(reply) {
			t.Errorf("%s: answered with %s", c.name, reply)
		}
	}
}

func TestDecodeAccepts(t *testing.T) {
	t.Parallel()
	for _, frame := range []string{
		`{"jsonrpc":"2.0","method":"ping"}`,
		`{"jsonrpc":"2.0","id":"","method":"ping","params":{}}`,
		`{"jsonrpc":"2.0","id":9007199254740993123,"method":"ping","params":{"t":null}}`,
		"\t{ \"jsonrpc\" : \"2.0\" ,\r\n\"id\":-0, \"method\":\"p\\u0069ng\" }\n",
		`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"t":[1,-0.5e+7,true,false,null,"\ud83d\ude00\"\\\/",{},[]]}}`,
	} {
		req, err := Decode([]byte(frame))
		if err != nil || req.Method != "ping" {
			t.Errorf("%s: %+v, %v", frame, req, err)
		}
	}
}

func TestDecodeParamsNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		raw  string
		dst  any
		says string
	}{
		{`{}`, &RoomJoin{}, "params.room is missing"},
		{`{"room":null}`, &RoomJoin{}, "params.room must not be null"},
		{`{"room":7}`, &RoomJoin{}, "params.room must be a string"},
		{`{"Room":"a"}`, &RoomJoin{}, `params has no member "Room"`},
		{`{"room":"a","tenant":"b"}`, &RoomJoin{}, `params has no member "tenant"`},
		{`{"room":"a","resume":null}`, &RoomJoin{}, "params.resume must not be null"},
		{`{"room":"a","resume":{"epoch":1}}`, &RoomJoin{}, "params.resume.seq is missing"},
		{`{"room":"a","resume":{"epoch":1,"seq":1.0}}`, &RoomJoin{}, "params.resume.seq must be a whole number"},
		{`{"room":"a","resume":{"epoch":1,"seq":"1"}}`, &RoomJoin{}, "params.resume.seq must be a whole number"},
		{`{"room":"a","resume":{"epoch":1,"seq":9223372036854775808}}`, &RoomJoin{}, "params.resume.seq must be a whole number"},
		{`{"room":"a","room":"b"}`, &RoomJoin{}, `"room" twice`},
		{`{"room":"a","command_id":"b"}`, &RoomCommand{}, "params.command is missing"},
		{`{"x":1}`, &Empty{}, `params has no member "x"`},
		{`{"t":"a\u0000"}`, &PingParams{}, "params.t holds U+0000"},
		{`{"t":` + strings.Repeat("[", strict.DepthMax) + strings.Repeat("]", strict.DepthMax) + `}`, &PingParams{}, "params is nested deeper than 32"},
		{`{"t":[null]}`, &PingParams{}, "params.t[0] must not be null"},
		{`{"room":"a","text":"a\u202eb"}`, &ChatSend{}, "params.text holds U+202E"},
		{`[]`, &Empty{}, "params must be an object"},
		{``, &Empty{}, "params is not JSON"},
		{`{} {}`, &Empty{}, "params is not JSON"},
	} {
		err := DecodeParams(json.RawMessage(c.raw), c.dst)
		if err == nil || err.Data.Code != CodeInvalidParams || !strings.Contains(err.Message, c.says) {
			t.Errorf("%s: %v; want %q", c.raw, err, c.says)
		}
	}
	if err := DecodeParams(nil, &Empty{}); err != nil {
		t.Error("no params:", err)
	}
}

// FuzzDecode shows that Decode never panics, accepts only what encoding/json accepts
// too, and refuses what encoding/json accepts only for a reason of its own.
func FuzzDecode(f *testing.F) {
	for _, r := range requests {
		params, _ := marshal(r.params)
		f.Add(fmt.Appendf(nil, `{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, r.method, params))
	}
	for _, s := range []string{``, `{`, `[]`, `{"a":1,"a":2}`, `{"id":null}`, "\xff", `{"jsonrpc":"2.0","id":"\u00e9\ud800","method":"\u0070ing"}`,
		`{"a":{"b":[0,-1,2.5e3,true,false,null,"\n"]}}`, strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		before := bytes.Clone(frame)
		req, bad := Decode(frame)
		if !bytes.Equal(before, frame) {
			t.Fatal("the frame was changed")
		}
		if bad != nil {
			reply := ReplyError(req.ID, bad)
			if !json.Valid(reply) || !utf8.Valid(reply) {
				t.Fatalf("answered with %q", reply)
			}
			own := slices.ContainsFunc([]string{"nested deeper", "twice", "an object", "surrogate"}, func(why string) bool { return strings.Contains(bad.Message, why) })
			if bad.Data.Code == CodeParse && json.Valid(frame) && utf8.Valid(frame) && !own {
				t.Fatalf("%q is JSON: %v", frame, bad)
			}
			return
		}
		if !json.Valid(frame) {
			t.Fatalf("%q is not JSON", frame)
		}
		var std struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
			Params json.RawMessage `json:"params"`
		}
		if err := json.Unmarshal(frame, &std); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(Request(std), req); diff != "" {
			t.Fatal(diff)
		}
		for _, r := range requests {
			dst := reflect.New(reflect.TypeOf(r.params).Elem()).Interface()
			if DecodeParams(req.Params, dst) == nil {
				if _, err := marshal(dst); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func TestEncodeRoomEventIsPush(t *testing.T) {
	t.Parallel()
	strange := event
	strange.Room, strange.Type, strange.Data = "a\"\n\\é\u2028<\x7f\xff", "", nil
	for _, e := range []RoomEvent{event, strange, {}} {
		for _, method := range []string{PushRoomEvent, PushPromotionPublished} {
			got := EncodeRoomEvent([]byte("x"), method, &e)
			if diff := cmp.Diff("x"+string(Push(method, &e)), string(got)); diff != "" {
				t.Error(diff)
			}
		}
	}
}

func TestResultThatIsNotJSONBecomesAnInternalError(t *testing.T) {
	t.Parallel()
	got := Reply(json.RawMessage("1"), RoomListResult{Rooms: []RoomInfo{{Settings: json.RawMessage("{")}}})
	if !strings.Contains(string(got), `"code":"internal"`) || !strings.Contains(string(got), `"id":1`) {
		t.Errorf("%s", got)
	}
}

func BenchmarkEncodeRoomEvent(b *testing.B) {
	b.ReportAllocs()
	var buf []byte
	for b.Loop() {
		buf = EncodeRoomEvent(buf[:0], PushRoomEvent, &event)
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkDecodeRoomCommand(b *testing.B) {
	params, _ := marshal(requests[3].params)
	frame := fmt.Appendf(nil, `{"jsonrpc":"2.0","id":1,"method":"room.command","params":%s}`, params)
	b.ReportAllocs()
	b.SetBytes(int64(len(frame)))
	for b.Loop() {
		req, err := Decode(frame)
		if err != nil {
			b.Fatal(err)
		}
		var p RoomCommand
		if err := DecodeParams(req.Params, &p); err != nil {
			b.Fatal(err)
		}
	}
}
