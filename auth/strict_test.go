package auth_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// raw signs a header and claims as they are written.
func raw(header, claims string) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	mac := hmac.New(sha256.New, secretX.Secret)
	_, _ = mac.Write([]byte(text)) // never fails
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func TestWhatATokenSaysIsSaidOnceAndByItsName(t *testing.T) {
	t.Parallel()
	b := setup(t)
	now := time.Now()
	const header = `{"alg":"HS256","kid":"x1"}`
	claims := fmt.Sprintf(`{"iss":"i","sub":"alice","aud":"pitboss/casino-x","tid":"casino-x","role":"player","iat":%d,"exp":%d}`, now.Unix(), now.Add(time.Hour).Unix())
	with := func(members string) string { return strings.TrimSuffix(claims, "}") + "," + members + "}" }
	for name, c := range map[string]struct {
		header, claims string
		subject, code  string // who it is, or why it is refused
	}{
		"as it should be":                   {header, claims, "alice", ""},
		"members that nobody knows":         {`{"alg":"HS256","kid":"x1","typ":"JWT","x5t":null}`, with(`"email":"a@b","groups":[null,{"a":1}]`), "alice", ""},
		"capitals are somebody else's":      {header, with(`"SUB":"bob","Role":"operator","TID":"casino-y","EXP":1`), "alice", ""},
		"only in capitals":                  {header, strings.Replace(claims, `"tid"`, `"TID"`, 1), "", "token_tenant"},
		"a role only in capitals":           {header, strings.Replace(claims, `"role"`, `"ROLE"`, 1), "", "token_role"},
		"the subject twice":                 {header, with(`"sub":"bob"`), "", "token_malformed"},
		"the role twice":                    {header, with(`"role":"operator"`), "", "token_malformed"},
		"the subject twice, with an escape": {header, with(`"\u0073ub":"bob"`), "", "token_malformed"},
		"not UTF-8":                         {header, with("\"name\":\"\xff\""), "", "token_malformed"},
		"the algorithm twice":               {`{"alg":"none","alg":"HS256","kid":"x1"}`, claims, "", "token_malformed"},
		"a header without a bottom":         {`{"alg":"HS256","kid":"x1","x":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}`, claims, "", "token_malformed"},
		"the key twice":                     {`{"alg":"HS256","kid":"y1","kid":"x1"}`, claims, "", "token_malformed"},
		"an id with U+0000":                 {header, with(`"jti":"a\u0000b"`), "", "token_malformed"},
		"an id that nobody could revoke":    {header, with(`"jti":"` + strings.Repeat("x", 201) + `"`), "", "token_malformed"},
		"a subject with U+0000":             {header, strings.Replace(claims, "alice", `a\u0000`, 1), "", "token_malformed"},
		"a subject that turns the page":     {header, strings.Replace(claims, "alice", "a\u202e", 1), "", "token_malformed"},
		"two objects":                       {header, claims + claims, "", "token_malformed"},
	} {
		p, err := b.verifier.Verify(b.x, "casino-x", raw(c.header, c.claims))
		if c.subject != "" && (err != nil || p.Subject != c.subject || p.Role != "player") || c.code != "" && (err == nil || !strings.HasSuffix(err.Error(), "("+c.code+")")) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

func TestANameKeepsItsJoinersAndLosesWhatActs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, want := range map[string]string{
		"می\u200cخواهم":              "می\u200cخواهم",
		"👨‍👩‍👧":                      "👨‍👩‍👧",
		"\u2067אבג\u2069":            "\u2067אבג\u2069",
		"Al\x00ice\x1b[2J\u202e":     "Al ice [2J",
		"\u200d\u200d":               "alice",
		" ":                          "alice",
		strings.Repeat("ü", 50):      strings.Repeat("ü", 40),
		"line\u2028break\u0085again": "line break again",
	} {
		c := good()
		c["name"] = name
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := b.verifier.Verify(b.x, "casino-x", raw(`{"alg":"HS256","kid":"x1"}`, string(text))); err != nil || p.Name != want {
			t.Errorf("%q: %q, %v", name, p.Name, err)
		}
	}
}
