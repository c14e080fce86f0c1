package gametest

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// seedsOf records the commitment and the reveal of an event.
func (tb *table) seedsOf(ev game.Event, fresh game.Seed) {
	tb.t.Helper()
	if tb.lost && tb.book.hasResult(ev) {
		tb.fail("%s is the result of a round whose seed is lost", ev.Type())
	}
	if x, ok := ev.(game.Revealer); ok && !x.Reveals().IsZero() {
		if tb.open.IsZero() || x.Reveals() != tb.open {
			tb.fail("%s reveals a seed that is not the open one", ev.Type())
		}
		tb.secrets = slices.DeleteFunc(tb.secrets, func(s secret) bool { return s.seed == tb.open })
		tb.open = game.Seed{}
	}
	if x, ok := ev.(game.Committer); ok {
		tb.commitmentOf(ev.Type(), x, fresh)
	}
}

// commitmentOf records that a round begins under a commitment.
func (tb *table) commitmentOf(typ string, ev game.Committer, fresh game.Seed) {
	tb.t.Helper()
	tb.lost = false
	switch c, isFresh := ev.Commits(); {
	case !isFresh && (tb.open.IsZero() || c != tb.open.Commit()):
		tb.fail("%s begins a round under a seed that is not the open one", typ)
	case !isFresh:
	case fresh.IsZero() || c != fresh.Commit():
		tb.fail("%s commits to a seed that is not the Tick's fresh one", typ)
	case !tb.open.IsZero():
		tb.fail("%s commits to a seed before the open one was revealed", typ)
	default:
		tb.open = fresh
		tb.secrets = append(tb.secrets, newSecret(fresh))
	}
}

// checkForms checks the forms of an event that leave the server, live and decoded.
func (tb *table) checkForms(ev game.Event, data string) {
	tb.t.Helper()
	back := tb.read(ev.Type(), data)
	if diff := cmp.Diff(game.Postings(ev), game.Postings(back)); diff != "" {
		tb.fail("%s moves other money when read back: %s", ev.Type(), diff)
	}
	for who, form := range tb.forms(ev) {
		tb.names("the form of "+ev.Type(), who, form)
		tb.hides("the form of "+ev.Type(), form)
		tb.tellsTime("the form of "+ev.Type(), form)
	}
	if diff := cmp.Diff(tb.forms(ev), tb.forms(back)); diff != "" {
		tb.fail("%s has other forms when read back: %s", ev.Type(), diff)
	}
	tb.hides(ev.Type()+" in the journal", data)
}

// isShort fails if the form of a player's stake that everybody is sent is long: the whole room is sent it
// for every bet.
func (tb *table) isShort(ev game.Event) {
	tb.t.Helper()
	form := tb.forms(ev)[""]
	moves := slices.ContainsFunc(game.Postings(ev), func(m game.Posting) bool { return m.Kind != game.Payout })
	if moves && len(form) > game.StakeFormMax {
		tb.fail("everybody is told of %s, which a player's command caused, in %d bytes, and %d are allowed: %s", ev.Type(), len(form), game.StakeFormMax, form)
	}
}

// forms returns everyone's form of an event, under "", and those of its audience.
func (tb *table) forms(ev game.Event) map[game.PlayerID]string {
	tb.t.Helper()
	red, ok := ev.(game.Redactor)
	if !ok {
		return map[game.PlayerID]string{"": tb.json(ev)}
	}
	forms := map[game.PlayerID]string{"": tb.json(red.Public())}
	for _, who := range red.Audience() {
		if _, twice := forms[who]; twice {
			tb.fail("%s has %q in its audience twice, or the empty player", ev.Type(), who)
		}
		forms[who] = tb.json(red.For(who))
	}
	return forms
}

// names fails if text, which is sent to who, has another player's id.
func (tb *table) names(what string, who game.PlayerID, text string) {
	tb.t.Helper()
	for _, other := range tb.players {
		if quoted, _ := json.Marshal(other); other != who && strings.Contains(text, string(quoted)) {
			tb.fail("%s for %q names %q: %s", what, who, other, text)
		}
	}
}

// aTime matches a time in JSON, and exactTime one that is in UTC with milliseconds.
var (
	aTime     = regexp.MustCompile(`"\d{4}-\d\d-\d\dT[^"]*"`)
	exactTime = regexp.MustCompile(`^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"$`)
)

// tellsTime fails if text, which leaves the server, has a time in another form than the wire's.
func (tb *table) tellsTime(what, text string) {
	tb.t.Helper()
	for _, at := range aTime.FindAllString(text, -1) {
		if !exactTime.MatchString(at) {
			tb.fail("%s has a time that is not in UTC with milliseconds: %s", what, at)
		}
	}
}

// keepsSecrets checks the snapshot and every view for seeds. unused is the last Tick's fresh seed: one to
// which the game did not commit must not stay anywhere either.
func (tb *table) keepsSecrets(unused game.Seed) {
	tb.t.Helper()
	secrets := tb.secrets
	if !unused.IsZero() && unused != tb.open {
		tb.secrets = append(slices.Clone(secrets), newSecret(unused))
	}
	tb.hides("the snapshot", tb.snapshot)
	for who, view := range tb.views {
		tb.hides("the view", view)
		tb.names("the view", who, view)
		tb.tellsTime("the view", view)
	}
	tb.secrets = secrets
}

// hides fails if text has a secret seed in it.
func (tb *table) hides(what, text string) {
	tb.t.Helper()
	for _, s := range tb.secrets {
		for _, spelling := range s.spellings {
			if strings.Contains(text, spelling) {
				tb.fail("%s has a seed in it that was not revealed: %s", what, text)
			}
		}
	}
}

// secret is a seed with the forms in which it might leak.
type secret struct {
	seed      game.Seed
	spellings []string
}

func newSecret(s game.Seed) secret {
	numbers := make([]string, len(s))
	for i, b := range s {
		numbers[i] = strconv.Itoa(int(b))
	}
	return secret{s, []string{
		string(s[:]), s.Hex(), strings.ToUpper(s.Hex()),
		base64.RawStdEncoding.EncodeToString(s[:]), base64.RawURLEncoding.EncodeToString(s[:]),
		strings.Join(numbers, ","), strings.Join(numbers, " "),
	}}
}
