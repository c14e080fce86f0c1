package approvals

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/list"
)

const (
	// TTL bounds the time for which an approval waits for its answer.
	TTL = 24 * time.Hour
	// OpenMax bounds the approvals of a tenant that are open at once.
	OpenMax = 1000
)

var (
	// ErrNotFound means that there is no such approval.
	ErrNotFound = errors.New("store: no such approval")
	// ErrReused means that the id was used to ask for something else.
	ErrReused = errors.New("store: this id was used to ask for something else")
	// ErrTooMany means that OpenMax approvals are open.
	ErrTooMany = errors.New("store: too many approvals are open")
	// ErrSecondPerson means that who asked, or is behind the API key that did, wants to be the second person too.
	ErrSecondPerson = errors.New("store: another person has to answer")
	// ErrNotAllowed means that somebody may not answer: no person with the scope, or not who asked.
	ErrNotAllowed = errors.New("store: this is not for you to answer")
	// ErrAnswered means that the approval has another answer.
	ErrAnswered = errors.New("store: the approval has an answer")
	// ErrExpired means that the approval's time is over.
	ErrExpired = errors.New("store: the approval has expired")
)

// State says whether an approval still waits, and if not, how it ended.
type State string

// The states.
const (
	Open      State = "open"
	Approved  State = "approved"
	Refused   State = "refused"
	Withdrawn State = "withdrawn"
	Expired   State = "expired"
)

// transitions holds what each state can become. What is not in it is final.
var transitions = map[State][]State{
	Open: {Approved, Refused, Withdrawn, Expired},
}

// Approval holds what somebody asked for and, once there is one, the answer.
type Approval struct {
	ID        string
	N         int64 // a later one has a larger one
	Kind      string
	Target    string
	Request   json.RawMessage
	Reason    string
	State     State
	AskedBy   db.Person
	People    []string // behind AskedBy, as it was then; none of them can be the second person
	AskedAt   time.Time
	ExpiresAt time.Time

	// Of the answer; zero while there is none.
	AnsweredBy   db.Person
	AnsweredAt   time.Time
	AnswerReason string
	Result       json.RawMessage // of what was approved
}

// Execute does what was approved, with its audit line, in the transaction of the answer, and returns its
// result. An error undoes the answer too.
type Execute func(ctx context.Context, tx pgx.Tx, id tenant.ID, a db.Approved) (result json.RawMessage, err error)

// Approvals are the approvals of every tenant. They may be used by many goroutines.
type Approvals struct {
	db    *db.DB
	kinds map[string]Execute
}

// New returns the approvals, of which each kind is done by its Execute.
func New(d *db.DB, kinds map[string]Execute) *Approvals { return &Approvals{d, kinds} }

// Desk lets other parts of the store ask for a second person within their own transactions.
type Desk struct{}

const (
	selectDigest = `select id::text, digest from approval where id = any($1::text[]::uuid[])`
	countOpen    = `select count(*) from approval where state = 'open' and expires_at > clock_timestamp()`
	insertAsk    = `
insert into approval (id, kind, target, request, digest, reason, asker_role, asker, asked_from, asked_with, asked_in, people, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, clock_timestamp() + make_interval(secs => $13))`
)

// QueueAsked queues a look at which of asks were asked for before. Of each that was by its ID, it is said; with ErrReused
// if it was something else.
func (Desk) QueueAsked(q *pgx.Batch, asks []db.Ask, say func(id string, err error)) {
	ids, digests := make([]string, len(asks)), map[string][]byte{}
	for i, a := range asks {
		ids[i], digests[a.ID] = a.ID, digest(a)
	}
	q.Queue(selectDigest, ids).Query(func(rows pgx.Rows) error {
		var id string
		var has []byte
		_, err := pgx.ForEachRow(rows, []any{&id, &has}, func() error {
			if bytes.Equal(has, digests[id]) {
				say(id, nil)
			} else {
				say(id, ErrReused)
			}
			return nil
		})
		return err
	})
}

// Ask opens an approval, with an audit line. It returns ErrTooMany, or ErrReused if the ID was used meanwhile.
func (Desk) Ask(ctx context.Context, tx pgx.Tx, a db.Ask) error {
	var open int
	if err := tx.QueryRow(ctx, countOpen).Scan(&open); err != nil {
		return err
	}
	if open >= OpenMax {
		return ErrTooMany
	}
	_, err := tx.Exec(ctx, insertAsk, a.ID, a.Kind, a.Target, string(a.Request), digest(a), a.Reason, a.By.Role, a.By.Subject, a.By.Address, a.By.Credential, a.By.Request, a.People, TTL.Seconds())
	if db.Violates(err, "approval_pkey") {
		return ErrReused
	}
	if err != nil {
		return err
	}
	after, err := json.Marshal(map[string]any{"approval": a.ID, "kind": a.Kind, "request": a.Request, "people": a.People})
	if err != nil {
		return err
	}
	return db.WriteAudit(ctx, tx, rooms.Audit{Actor: a.By.Actor(), Action: "approval.ask", Target: a.Target, Reason: a.Reason, After: after, Origin: a.By.Origin})
}

// digest returns the SHA-256 of what is asked for, each part with its length before it.
func digest(a db.Ask) []byte {
	var text []byte
	for _, part := range []string{a.Kind, a.Target, string(a.Request)} {
		text = binary.BigEndian.AppendUint64(text, uint64(len(part)))
		text = append(text, part...)
	}
	sum := sha256.Sum256(text)
	return sum[:]
}

// columns are those of an Approval. What is open beyond its time is expired.
const columns = `
id::text, n, kind, target, request, reason,
case when state = 'open' and expires_at <= clock_timestamp() then 'expired' else state end,
asker_role, asker, asked_from, asked_with, asked_in, people, asked_at, expires_at,
coalesce(answerer_role, ''), coalesce(answerer, ''), coalesce(answered_from, ''), answered_at, coalesce(answer_reason, ''), result`

const (
	selectOne = `select ` + columns + ` from approval where id = $1`
	lockOne   = selectOne + ` for no key update`
)

// Table is the list of approvals, for List. Its now is when the transaction began: an approval that expires meanwhile is in
// one state throughout.
var Table = list.Table{
	Select: `
select id::text, n, kind, target, request, reason, case when state = 'open' and expires_at <= now() then 'expired' else state end as state,
  asker_role, asker, asked_from, asked_with, asked_in, people, asked_at, expires_at,
  coalesce(answerer_role, ''), coalesce(answerer, ''), coalesce(answered_from, ''), answered_at, coalesce(answer_reason, ''), result,
  case when asker_role = '' then asker else asker_role || ':' || asker end as asked_by, state as stored
from approval`,
	Fields: []list.Field{
		{Name: "n", Type: list.Number, Sort: true, Indexed: true}, {Name: "id"}, {Name: "kind"}, {Name: "target"},
		{Name: "state", Indexed: true, Values: []string{string(Open), string(Approved), string(Refused), string(Withdrawn), string(Expired)}, When: map[string]string{
			string(Open):      `stored = 'open' and expires_at > now()`,
			string(Expired):   `stored = 'open' and expires_at <= now()`,
			string(Approved):  `stored = 'approved'`,
			string(Refused):   `stored = 'refused'`,
			string(Withdrawn): `stored = 'withdrawn'`,
		}},
		{Name: "asked_by"}, {Name: "asked_at", Type: list.Time}, {Name: "expires_at", Type: list.Time},
	},
	Key: "n", Order: "-n",
}

// Get returns an approval. It returns ErrNotFound or store.ErrNoTenant.
func (a *Approvals) Get(ctx context.Context, id tenant.ID, approval string) (out Approval, err error) {
	if _, err := uuid.Parse(approval); err != nil {
		return out, ErrNotFound
	}
	err = a.db.Tenant(id).ReadTx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		out, err = one(ctx, tx, selectOne, approval)
		return err
	})
	if err != nil {
		return out, fmt.Errorf("store: approval: %w", err)
	}
	return out, nil
}

// List returns a page of the approvals, and the cursor of the next one. It returns store.ErrNoTenant.
func (a *Approvals) List(ctx context.Context, id tenant.ID, q list.Query) (page []Approval, next string, err error) {
	page, next, err = db.List(ctx, a.db, id, Table, q, func(row pgx.CollectableRow) (Approval, error) {
		var askedBy, stored string // are said by other columns
		return scan(row, &askedBy, &stored)
	}, func(x Approval, _ string) any { return x.N })
	if err != nil {
		return nil, "", fmt.Errorf("store: approvals: %w", err)
	}
	return page, next, nil
}

func one(ctx context.Context, tx pgx.Tx, query, approval string) (Approval, error) {
	rows, _ := tx.Query(ctx, query, approval) // its error comes from CollectExactlyOneRow
	out, err := pgx.CollectExactlyOneRow(rows, scanOne)
	if errors.Is(err, pgx.ErrNoRows) {
		return out, ErrNotFound
	}
	return out, err
}

func scanOne(row pgx.CollectableRow) (Approval, error) { return scan(row) }

// scan reads columns, and those after them into more.
func scan(row pgx.CollectableRow, more ...any) (a Approval, err error) {
	var answered *time.Time
	err = row.Scan(append([]any{&a.ID, &a.N, &a.Kind, &a.Target, (*[]byte)(&a.Request), &a.Reason, (*string)(&a.State),
		&a.AskedBy.Role, &a.AskedBy.Subject, &a.AskedBy.Address, &a.AskedBy.Credential, &a.AskedBy.Request, &a.People, &a.AskedAt, &a.ExpiresAt,
		&a.AnsweredBy.Role, &a.AnsweredBy.Subject, &a.AnsweredBy.Address, &answered, &a.AnswerReason, (*[]byte)(&a.Result)}, more...)...)
	a.AskedAt, a.ExpiresAt = a.AskedAt.UTC(), a.ExpiresAt.UTC()
	if answered != nil {
		a.AnsweredAt = answered.UTC()
	}
	return a, err
}

// Answer is what somebody says to an approval.
type Answer struct {
	To     State // Approved, Refused or Withdrawn
	By     auth.Principal
	Reason strict.Line
	rooms.Origin
}

// person returns who answers.
func (w Answer) person() db.Person {
	return db.Person{Role: string(w.By.Role), Subject: w.By.Subject, Origin: w.Origin}
}

// allowed returns ErrSecondPerson or ErrNotAllowed unless who answers may answer an approval so.
func (w Answer) allowed(a Approval) error {
	switch w.To {
	case Withdrawn:
		if by := w.person(); by.Role != a.AskedBy.Role || by.Subject != a.AskedBy.Subject {
			return ErrNotAllowed
		}
	default:
		if w.By.Role != auth.Operator || !w.By.May(auth.ApprovalsWrite) { // no key, no service: a person
			return ErrNotAllowed
		}
		if w.By.Subject == a.AskedBy.Subject || slices.Contains(a.People, w.By.Subject) {
			return ErrSecondPerson
		}
	}
	return nil
}

// actions names the answers in the audit log.
var actions = map[State]string{Approved: "approval.approve", Refused: "approval.refuse", Withdrawn: "approval.withdraw"}

const updateAnswer = `
update approval set state = $2, answerer_role = $3, answerer = $4, answered_from = $5, answered_at = clock_timestamp(), answer_reason = $6, result = $7
where id = $1 and state = 'open' and expires_at > clock_timestamp() returning ` + columns

// Answer gives an approval its answer, and does what is approved, in one transaction. The same answer of the
// same person again changes nothing and returns the approval. It returns ErrNotFound, ErrSecondPerson,
// ErrNotAllowed, ErrAnswered, ErrExpired, store.ErrInvalid, store.ErrNoTenant, or what the kind's Execute returns.
func (a *Approvals) Answer(ctx context.Context, id tenant.ID, approval string, w Answer) (out Approval, err error) {
	if err := db.CheckReason(w.Reason); err != nil {
		return out, err
	}
	if _, err := uuid.Parse(approval); err != nil {
		return out, ErrNotFound
	}
	err = a.db.Tenant(id).Tx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		out, err = a.answer(ctx, tx, id, approval, w)
		return err
	})
	if err != nil {
		return out, fmt.Errorf("store: %s: %w", actions[w.To], err)
	}
	return out, nil
}

// answer runs the transaction of Answer.
func (a *Approvals) answer(ctx context.Context, tx pgx.Tx, id tenant.ID, approval string, w Answer) (Approval, error) {
	x, err := one(ctx, tx, lockOne, approval)
	if err != nil {
		return x, err
	}
	by := w.person()
	switch err := w.allowed(x); {
	case err != nil:
		return x, err
	case x.State == w.To && x.AnsweredBy.Role == by.Role && x.AnsweredBy.Subject == by.Subject:
		return x, nil // said before
	case x.State == Expired:
		return x, ErrExpired
	case !slices.Contains(transitions[x.State], w.To) || actions[w.To] == "":
		return x, ErrAnswered
	}
	var result json.RawMessage
	if w.To == Approved {
		execute := a.kinds[x.Kind]
		if execute == nil {
			return x, fmt.Errorf("approvals of the kind %q cannot be done by this binary", x.Kind)
		}
		ask := db.Ask{ID: x.ID, Kind: x.Kind, Target: x.Target, Request: x.Request, Reason: x.Reason, By: x.AskedBy, People: x.People}
		if result, err = execute(ctx, tx, id, db.Approved{Ask: ask, Approver: by}); err != nil {
			return x, err
		}
	}
	rows, _ := tx.Query(ctx, updateAnswer, x.ID, string(w.To), by.Role, by.Subject, by.Address, string(w.Reason), db.JSONText(result)) // its error comes from CollectExactlyOneRow
	x, err = pgx.CollectExactlyOneRow(rows, scanOne)
	if errors.Is(err, pgx.ErrNoRows) {
		return x, ErrExpired // meanwhile
	}
	if err != nil {
		return x, err
	}
	after, err := json.Marshal(map[string]any{"approval": x.ID, "kind": x.Kind, "asked_by": x.AskedBy.Actor()})
	if err != nil {
		return x, err
	}
	return x, db.WriteAudit(ctx, tx, rooms.Audit{Actor: by.Actor(), Action: actions[w.To], Target: x.Target, Reason: string(w.Reason), After: after, Origin: by.Origin})
}
