package gametest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// block is a part of a transcript. Blocks have an empty line between them; a block is lines of comment
// (#), a command, a line ----, and what came of it:
//
//	open {"min_bet": 100}   a new table with these settings
//	tick                    the clock moves to when the game wants a Tick, and it gets one
//	tick 15s                the clock moves on 15 s; the game gets the Ticks it wants on the way
//	poke                    a Tick now, wanted or not
//	lose                    as tick, but the open seed is lost
//	seed 24                 the next Tick has fresh seed number 24; they are numbered from 1
//	wait 15s                the clock moves on 15 s, and the game gets nothing
//	close the reason        the room is asked to close
//	void the reason         an operator voids the round at hand
//	expose                  the room gives up the open seed, which others may know
//	view, view alice        what everyone, or alice, may see
//	alice {"type": "bet"}   alice's command
//	play 70 alice {…}       alice gives the command in each of the next 70 rounds, once it is accepted, and each is
//	                        played to its result; only the last round is told, and checked in full
//
// What came of it is the command's refusal, or its events in order, each with its type and its JSON as
// the journal has it; then, indented, its forms for everyone and for each player who may see more, and its
// postings; at the end when the game wants its next Tick, if that has changed; "nothing" if nothing came.
type block struct {
	comment []string
	command string
}

const fence = "----"

func transcripts(t *testing.T, kind game.Kind, spec Spec) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err == nil && len(files) == 0 && *update {
		files, err = []string{filepath.Join("testdata", "round.txt")}, firstTranscript(spec)
	}
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts in testdata/*.txt (run the test with -update for a first one): %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := perform(t, kind, spec, parseBlocks(string(text)))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := gocmp.Diff(string(text), got); diff != "" {
				t.Errorf("%s (if this is meant, run the test with -update): %s", file, diff)
			}
		})
	}
}

// firstTicks is how many Ticks the first transcript of a game has after its commands.
const firstTicks = 4

// firstTranscript writes the commands of a new game's first transcript: commands of two players in its
// first round, and the Ticks that bring it to its end.
func firstTranscript(spec Spec) error {
	r := rand.New(rand.NewPCG(1, 0))
	blocks := []string{"# A first round, written by -update: look at what it shows, and change the commands to what matters.\nopen {}", "tick"}
	for _, who := range []string{"alice", "bob", "alice", "bob"} {
		blocks = append(blocks, fmt.Sprintf("%s %s", who, spec.Move(r)))
	}
	blocks = append(blocks, "view", "view alice")
	for range firstTicks {
		blocks = append(blocks, "tick", "view alice")
	}
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join("testdata", "round.txt"), []byte(strings.Join(blocks, "\n\n")+"\n"), 0o644)
}

func parseBlocks(text string) (blocks []block) {
	for _, part := range strings.Split(text, "\n\n") {
		var b block
		input, _, _ := strings.Cut(part, "\n"+fence)
		for _, l := range strings.Split(strings.TrimSpace(input), "\n") {
			if strings.HasPrefix(l, "#") {
				b.comment = append(b.comment, l)
			} else {
				b.command += l
			}
		}
		if b.command != "" || b.comment != nil {
			blocks = append(blocks, b)
		}
	}
	return blocks
}

// perform plays the blocks and returns the transcript as it should be.
func perform(t *testing.T, kind game.Kind, spec Spec, blocks []block) string {
	t.Helper()
	var out strings.Builder
	p := performance{t: t, kind: kind, spec: spec}
	for i, b := range blocks {
		if i > 0 {
			out.WriteString("\n")
		}
		for _, c := range b.comment {
			fmt.Fprintln(&out, c)
		}
		if b.command != "" {
			fmt.Fprintf(&out, "%s\n%s\n%s", b.command, fence, cmp.Or(p.perform(b.command), "nothing\n"))
		}
	}
	if p.table != nil {
		p.table.finish()
	}
	return out.String()
}

type performance struct {
	t     *testing.T
	kind  game.Kind
	spec  Spec
	table *table
	wake  time.Time // as last told
}

func (p *performance) perform(command string) string {
	p.t.Helper()
	verb, rest, _ := strings.Cut(command, " ")
	rest = strings.TrimSpace(rest)
	if verb == "open" {
		if p.table != nil {
			p.table.finish()
		}
		table, err := newTable(p.t, p.kind, p.spec, json.RawMessage(rest))
		if err != nil {
			return fmt.Sprintf("error %v\n", err)
		}
		p.table, p.wake = table, time.Time{}
		return p.told()
	}
	tb := p.table
	if tb == nil {
		p.t.Fatalf("%s: there is no table yet", command)
	}
	switch verb {
	case "tick":
		if rest == "" {
			tb.toWake()
			return p.tell(tb.tick(none), nil)
		}
		return p.through(tb.now.Add(p.duration(rest)))
	case "poke":
		return p.tell(tb.tick(none), nil)
	case "lose":
		tb.toWake()
		return p.tell(tb.tick(openLost), nil)
	case "seed":
		n, err := strconv.Atoi(rest)
		if err != nil {
			p.t.Fatal(err)
		}
		tb.seeds = n - 1
		return ""
	case "wait":
		tb.now = tb.now.Add(p.duration(rest))
		return p.told()
	case "close":
		return p.tell(tb.close(rest))
	case "void":
		return p.tell(tb.give(game.Command{At: tb.now, By: operator, Body: game.Void{Reason: rest, Open: tb.open}}, game.Seed{}))
	case "expose":
		return p.tell(tb.expose())
	case "play":
		return p.play(rest)
	case "view":
		return tb.json(tb.live.View(game.PlayerID(rest))) + "\n"
	}
	return p.tell(tb.command(game.PlayerID(verb), json.RawMessage(rest)))
}

func (p *performance) duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		p.t.Fatal(err)
	}
	return d
}

// through moves the clock to target and gives every Tick that the game wants until then.
func (p *performance) through(target time.Time) string {
	var out string
	for range finishTicks {
		if wake := p.table.live.Wake(); wake.IsZero() || wake.After(target) {
			p.table.now = target
			return out + p.told()
		}
		p.table.toWake()
		out += p.tell(p.table.tick(none), nil)
	}
	p.t.Fatalf("the game wants more than %d Ticks until %v", finishTicks, target)
	return ""
}

// play plays that many rounds and returns what came of the last.
func (p *performance) play(rest string) (told string) {
	p.t.Helper()
	count, command, _ := strings.Cut(rest, " ")
	rounds, err := strconv.Atoi(count)
	if err != nil {
		p.t.Fatal(err)
	}
	for n := range rounds {
		p.table.hurried = n < rounds-1
		told = p.round(command)
	}
	return told
}

// round gives Ticks, and the command until it is accepted, and then Ticks until the round has its result.
func (p *performance) round(command string) (told string) {
	p.t.Helper()
	who, raw, _ := strings.Cut(command, " ")
	accepted := false
	for range finishTicks {
		if !accepted {
			events, no := p.table.command(game.PlayerID(who), json.RawMessage(raw))
			if accepted = no == nil; accepted {
				told += p.tell(events, nil)
			}
		}
		p.table.toWake()
		events := p.table.tick(none)
		told += p.tell(events, nil)
		if accepted && slices.ContainsFunc(events, p.table.book.hasResult) {
			return told
		}
	}
	p.t.Fatalf("%s: after %d Ticks there is no round with a result in which it was accepted", command, finishTicks)
	return ""
}

// tell returns the result of a command as a transcript has it.
func (p *performance) tell(events []game.Event, no *game.Refusal) string {
	p.t.Helper()
	if no != nil {
		return fmt.Sprintf("refused %s: %s\n", no.Code, no.Message)
	}
	var b strings.Builder
	for _, ev := range events {
		fmt.Fprintf(&b, "%s %s\n", ev.Type(), p.table.json(ev))
		if red, ok := ev.(game.Redactor); ok {
			fmt.Fprintf(&b, "  everyone %s\n", p.table.json(red.Public()))
			for _, who := range red.Audience() {
				fmt.Fprintf(&b, "  %s %s\n", who, p.table.json(red.For(who)))
			}
		}
		for _, m := range game.Postings(ev) {
			fmt.Fprintf(&b, "  %s of %d: %s, %s\n", m.Kind, m.Amount, m.Player, m.Ref)
		}
	}
	return b.String() + p.told()
}

// told returns when the game wants its next Tick, if that has changed.
func (p *performance) told() string {
	wake := p.table.live.Wake()
	if wake.Equal(p.wake) {
		return ""
	}
	p.wake = wake
	switch {
	case wake.IsZero():
		return "waits for no Tick\n"
	case !wake.After(p.table.now):
		return "wants a Tick now\n"
	}
	return fmt.Sprintf("wants a Tick in %v\n", wake.Sub(p.table.now))
}
