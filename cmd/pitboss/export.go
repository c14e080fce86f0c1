package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/audit"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// exportPage bounds the rows that are read at once.
const exportPage = 500

// chosen are the flags of a command that reads a list.
type chosen struct {
	Where []string `sep:"none" help:"Which rows: a field with an operator (none, gte, lt, prefix, in) and a value, as at=…, at.gte=2026-01-01T00:00:00Z; repeat it for more." placeholder:"FIELD.OP=VALUE"`
	Sort  string   `help:"By which field, with a - before it for the largest value first." placeholder:"FIELD"`
}

// asked returns a question for a page of at most limit rows.
func (c chosen) asked(limit int) (list.Asked, error) {
	out := list.Asked{Where: map[string][]string{}, Sort: c.Sort, Limit: limit}
	for _, w := range c.Where {
		name, value, ok := strings.Cut(w, "=")
		if !ok {
			return out, fmt.Errorf("--where %q: want a field, =, and a value", w)
		}
		out.Where[name] = append(out.Where[name], value)
	}
	return out, nil
}

type exportCmd struct {
	List     string `arg:"" enum:"players,postings,audit,rounds,transactions" help:"players, postings, audit, or the rounds or transactions of one player."`
	Tenant   string `xor:"owner" required:"" help:"The casino's slug."`
	Platform bool   `xor:"owner" required:"" help:"The platform's own audit log: what was done to the platform's API keys."`
	Player   string `help:"Whose rounds or transactions."`
	Format   string `enum:"csv,jsonl" default:"csv" help:"csv, or jsonl: a JSON object a line."`
	chosen   `embed:""`
	Output   string `short:"o" help:"Where to; what is there is replaced when all rows are written, and not before. Standard output if it is not given." placeholder:"FILE" type:"path"`
	JSON     bool   `help:"Say what was written as JSON; with --output."`
}

// Help implements kong's long help.
func (exportCmd) Help() string {
	return "The lists and their fields are those of the HTTP API (docs/protocol.md). Rows are read page by page: what comes in meanwhile is in it whole or not at all, and no row is twice."
}

// exported is the JSON output of the command.
type exported struct {
	File string `json:"file"`
	Rows int    `json:"rows"`
}

// Run implements the command.
func (c exportCmd) Run(p *program) error {
	asked, err := c.asked(exportPage)
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return err
	}
	export := func(s *store.Store, t *tenancy.Tenant) error {
		to, err := newExportFile(c.Output, p.out)
		if err != nil {
			return err
		}
		defer to.drop()
		bar := p.newProgress()
		err = c.write(p.ctx, s, t, asked, to, bar)
		bar.end()
		switch {
		case err != nil && p.ctx.Err() != nil:
			return fmt.Errorf("stopped after %d rows: %w", bar.rows, p.ctx.Err())
		case err != nil:
			return err
		}
		if err := to.keep(); err != nil {
			return err
		}
		switch {
		case c.Output == "":
		case c.JSON:
			return p.printJSON(exported{c.Output, bar.rows})
		default:
			p.printf("%d rows in %s\n", bar.rows, c.Output)
		}
		return nil
	}
	if !c.Platform {
		return p.withTenant(c.Tenant, export)
	}
	s, err := p.openStore()
	if err != nil {
		return err
	}
	defer s.Close()
	return export(s, nil)
}

// check returns an error if flags do not go together.
func (c exportCmd) check() error {
	ofPlayer := c.List == "rounds" || c.List == "transactions"
	switch {
	case c.Platform && c.List != "audit":
		return fmt.Errorf("--platform: the platform has no %s, but an audit log", c.List)
	case ofPlayer && c.Player == "":
		return fmt.Errorf("--player: whose %s?", c.List)
	case ofPlayer && (len(c.Where) > 0 || c.Sort != ""):
		return fmt.Errorf("--where and --sort: the %s of a player come whole, the latest first", c.List)
	case !ofPlayer && c.Player != "":
		return errors.New("--player: use --where player=NAME")
	case c.JSON && c.Output == "":
		return errors.New("--json: needs --output; for rows as JSON use --format jsonl")
	}
	return nil
}

// exportedPlayer is a player as a row.
type exportedPlayer struct {
	Player    string    `json:"player"`
	Balance   int64     `json:"balance"`
	CreatedAt wire.Time `json:"created_at"`
}

// exportedPosting is a transfer as a row.
type exportedPosting struct {
	ID        int64     `json:"id"`
	At        wire.Time `json:"at"`
	Kind      string    `json:"kind"`
	Player    string    `json:"player"`
	Amount    int64     `json:"amount"`
	Room      string    `json:"room,omitempty"`
	Ref       string    `json:"ref"`
	CommandID string    `json:"command_id,omitempty"`
}

// exportedLine is a line of the audit log as a row.
type exportedLine struct {
	ID int64     `json:"id"`
	At wire.Time `json:"at"`
	rooms.Audit
}

// exportedRound is a round of a player's as a row.
type exportedRound struct {
	Room     string     `json:"room"`
	Game     string     `json:"game"`
	Round    int64      `json:"round"`
	State    string     `json:"state"`
	OpenedAt *wire.Time `json:"opened_at,omitempty"`
	EndedAt  *wire.Time `json:"ended_at,omitempty"`
	Staked   int64      `json:"staked"`
	Payout   int64      `json:"payout"`
	Refund   int64      `json:"refund"`
	Net      int64      `json:"net"`
	Currency string     `json:"currency"`
}

func roundRow(r journal.PlayedRound, currency string) exportedRound {
	out := exportedRound{
		Room: r.Room, Game: r.Game, Round: r.Round, State: r.State(), Staked: int64(r.Staked), Payout: int64(r.Paid), Refund: int64(r.Refunded),
		Net: int64(r.Paid + r.Refunded - r.Staked), Currency: currency,
	}
	if r.Opened != nil {
		at := wire.At(r.Opened.At)
		out.OpenedAt = &at
	}
	if r.End != "" {
		at := wire.At(r.Ended)
		out.EndedAt = &at
	}
	return out
}

// write writes the list, of the platform if t is nil.
func (c exportCmd) write(ctx context.Context, s *store.Store, t *tenancy.Tenant, asked list.Asked, w io.Writer, bar *progress) error {
	player := game.PlayerID(c.Player)
	switch c.List {
	case "players":
		return writeTable(ctx, c, asked, journal.Players, w, bar, func(q list.Query) ([]journal.Player, string, error) {
			return s.Ledger.ListPlayers(ctx, t.ID, q)
		}, func(x journal.Player) exportedPlayer {
			return exportedPlayer{string(x.Player), int64(x.Balance), wire.At(x.CreatedAt)}
		})
	case "postings":
		return writeTable(ctx, c, asked, journal.Postings, w, bar, func(q list.Query) ([]journal.LedgerPosting, string, error) {
			return s.Ledger.ListPostings(ctx, t.ID, q)
		}, func(x journal.LedgerPosting) exportedPosting {
			return exportedPosting{x.ID, wire.At(x.At), x.Kind, string(x.Player), int64(x.Amount), x.Room, x.Ref, x.Command}
		})
	case "audit":
		return writeTable(ctx, c, asked, audit.Lines, w, bar, func(q list.Query) ([]audit.Line, string, error) {
			if t == nil {
				return s.Audit.ListPlatform(ctx, q)
			}
			return s.Audit.List(ctx, t.ID, q)
		}, func(x audit.Line) exportedLine { return exportedLine{x.ID, wire.At(x.At), x.Audit} })
	case "rounds":
		return writePages(ctx, c, w, bar, func(before int64) (rows []exportedRound, next int64, err error) {
			page, err := s.Ledger.Played(ctx, t.ID, player, before, journal.HistoryMax)
			for _, x := range page {
				rows, next = append(rows, roundRow(x, t.Currency)), x.First
			}
			return rows, next, err
		})
	}
	balance, known := game.Money(0), false
	return writePages(ctx, c, w, bar, func(before int64) (rows []wire.Transaction, next int64, err error) {
		page, now, err := s.Ledger.Transfers(ctx, t.ID, player, before, journal.HistoryMax)
		if !known {
			balance, known = now, true
		}
		for _, x := range page {
			rows, next = append(rows, wire.Transaction{
				ID: x.ID, At: wire.At(x.At), Kind: x.Kind, Amount: int64(x.Amount), Currency: t.Currency, Balance: int64(balance), Room: x.Room, Round: x.Round,
				CommandID: x.Command, Reverses: x.Reverses,
			}), x.ID
			balance -= x.Amount
		}
		return rows, next, err
	})
}

// writeTable writes what a question finds in a table.
func writeTable[T, Row any](ctx context.Context, c exportCmd, asked list.Asked, t list.Table, w io.Writer, bar *progress, read func(list.Query) ([]T, string, error), row func(T) Row) error {
	write := list.WriterOf[Row](w, list.Format(c.Format))
	for first := true; first || asked.Cursor != ""; first = false {
		q, err := t.Parse(asked)
		if err != nil {
			return err
		}
		page, next, err := read(q)
		if err != nil {
			return err
		}
		var rows []Row
		for _, x := range page {
			rows = append(rows, row(x))
		}
		if err := write(rows, first); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		bar.add(len(rows))
		asked.Cursor = next
	}
	return nil
}

// writePages writes a player's history, page by page, each of what was before the id that the page before ended with.
func writePages[Row any](ctx context.Context, c exportCmd, w io.Writer, bar *progress, read func(before int64) ([]Row, int64, error)) error {
	write := list.WriterOf[Row](w, list.Format(c.Format))
	before := int64(math.MaxInt64)
	for first := true; ; first = false {
		rows, next, err := read(before)
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = write(rows, first)
		}
		if err != nil {
			return err
		}
		bar.add(len(rows))
		if len(rows) < journal.HistoryMax {
			return nil
		}
		before = next
	}
}

// exportFile receives rows: it writes to standard output, or to a file that gets its name once it is whole.
type exportFile struct {
	*bufio.Writer
	file *os.File // nil: standard output, or it has its name
	name string
}

// newExportFile returns a file of a name, or out if the name is empty.
func newExportFile(name string, out io.Writer) (*exportFile, error) {
	if name == "" {
		return &exportFile{Writer: bufio.NewWriter(out)}, nil
	}
	info, err := os.Stat(name)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file", name)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return nil, err
	}
	return &exportFile{bufio.NewWriter(f), f, name}, nil
}

// keep writes what is buffered, and gives the file its name.
func (f *exportFile) keep() error {
	if err := f.Flush(); err != nil || f.file == nil {
		return err
	}
	if err := errors.Join(f.file.Sync(), f.file.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.file.Name(), f.name); err != nil {
		return err
	}
	f.file = nil
	return nil
}

// drop removes a file that was not kept.
func (f *exportFile) drop() {
	if f.file != nil {
		_ = f.file.Close()
		_ = os.Remove(f.file.Name())
	}
}

// progress shows how many rows were written, ten times a second, if a person looks at a terminal.
type progress struct {
	to    io.Writer // nil: nobody looks
	began time.Time
	shown time.Time
	rows  int
}

// newProgress returns a progress on standard error, if that is a terminal.
func (p *program) newProgress() *progress {
	out := &progress{began: time.Now()}
	to := p.err
	if l, ok := to.(*patientLog); ok {
		to = l.to
	}
	if f, ok := to.(*os.File); ok && isatty.IsTerminal(f.Fd()) {
		out.to = f
	}
	return out
}

// add counts rows.
func (g *progress) add(rows int) {
	g.rows += rows
	if g.to != nil && time.Since(g.shown) > time.Second/10 {
		g.shown = time.Now()
		g.show()
	}
}

func (g *progress) show() {
	fmt.Fprintf(g.to, "\r\x1b[K%d rows, %.0f a second", g.rows, float64(g.rows)/max(time.Since(g.began).Seconds(), 0.001))
}

// end shows the last count, and ends the line.
func (g *progress) end() {
	if g.to != nil {
		g.show()
		fmt.Fprintln(g.to)
	}
}
