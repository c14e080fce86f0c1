package webhooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/list"
)

// KeepFor is how long facts and deliveries are kept, whatever became of them: a paused endpoint catches up
// with so much.
const KeepFor = 30 * 24 * time.Hour

// Delivery is one fact of which an endpoint is told, or was.
type Delivery struct {
	ID        int64         `json:"id"` // of the fact, within the tenant; a later one is larger
	WebhookID uuid.UUID     `json:"webhook_id"`
	Type      string        `json:"type"`
	Player    string        `json:"player,omitempty"` // "": of no player
	State     string        `json:"state"`            // pending, delivered or dropped
	Attempts  int           `json:"attempts"`
	Status    int           `json:"status,omitempty"`      // of the last answer; 0: there was none
	Error     string        `json:"error,omitempty"`       // of the last attempt
	Took      time.Duration `json:"-"`                     // the last attempt
	NextAt    time.Time     `json:"next_at,omitzero"`      // zero: not pending, or behind another of the same player
	Attempted time.Time     `json:"attempted_at,omitzero"` // the last time; zero: never
	CreatedAt time.Time     `json:"created_at"`            // when it happened
}

const (
	insertTest = `
insert into fact (type, version, at, data) values ($1, $2, clock_timestamp(), $3::json) returning seq, id`

	// insertTestDelivery has a key of its own, so that it waits for nothing. No player's id has a space.
	insertTestDelivery = `
insert into webhook_delivery (endpoint, fact, key, next_at) values ($1, $2, 'test ' || $2::bigint::text, clock_timestamp())`

	selectState = `select state, key from webhook_delivery where endpoint = $1 and fact = $2 for no key update`

	replay = `
update webhook_delivery set state = 'pending', attempts = 0, next_at = null where endpoint = $1 and fact = $2`

	// promote makes the first that waits due, of each key of which none is under way.
	promote = `
update webhook_delivery d set next_at = clock_timestamp()
from (select distinct endpoint, key from unnest($1::uuid[], $2::text[]) as u(endpoint, key)) k
cross join lateral (
  select p.fact from webhook_delivery p
  where p.endpoint = k.endpoint and p.key = k.key and p.state = 'pending' order by p.fact limit 1
) first
where d.endpoint = k.endpoint and d.fact = first.fact and d.next_at is null and not exists (
  select from webhook_delivery x
  where x.endpoint = k.endpoint and x.key = k.key and x.state = 'pending' and x.next_at is not null offset 0)`
)

// DeliveryTable is the list of the deliveries to an endpoint, for Deliveries. Each looks up its fact: a merge of both tables
// would begin with the latest fact, however far the page is from it.
var DeliveryTable = list.Table{
	Select: `
select d.endpoint, d.fact as id, f.id::text as webhook_id, f.type, f.player, d.state, d.attempts, d.status, d.error, d.took, d.next_at, d.attempted_at, d.created_at
from webhook_delivery d cross join lateral (select id, type, player from fact where seq = d.fact offset 0) f`,
	Fields: []list.Field{
		{Name: "id", Type: list.Number, Sort: true, Indexed: true}, {Name: "webhook_id"}, {Name: "type"}, {Name: "player"},
		{Name: "state", Values: []string{"pending", "delivered", "dropped"}}, {Name: "attempts", Type: list.Number}, {Name: "status", Type: list.Number},
		{Name: "next_at", Type: list.Time}, {Name: "attempted_at", Type: list.Time}, {Name: "created_at", Type: list.Time},
	},
	Key: "id", Order: "-id",
}

// Deliveries returns a page of the deliveries to an endpoint, and the cursor of the next one. It returns ErrNoEndpoint.
func (s *Endpoints) Deliveries(ctx context.Context, id tenant.ID, endpoint uuid.UUID, q list.Query) (page []Delivery, next string, err error) {
	if _, err := s.Get(ctx, id, endpoint); err != nil {
		return nil, "", err
	}
	q = q.And("endpoint", endpoint.String())
	page, next, err = db.List(ctx, s.db, id, DeliveryTable, q, func(row pgx.CollectableRow) (d Delivery, err error) {
		var to [16]byte // is endpoint
		var next, attempted *time.Time
		err = row.Scan(&to, &d.ID, &d.WebhookID, &d.Type, &d.Player, &d.State, &d.Attempts, &d.Status, &d.Error, &d.Took, &next, &attempted, &d.CreatedAt)
		d.NextAt, d.Attempted, d.CreatedAt = utc(next), utc(attempted), d.CreatedAt.UTC()
		return d, err
	}, func(d Delivery, _ string) any { return d.ID })
	if err != nil {
		return nil, "", fmt.Errorf("store: deliveries to %s: %w", endpoint, err)
	}
	return page, next, nil
}

// Test lets an endpoint alone be told of a webhook.test, now, and returns the id that it will have. It
// returns ErrNoEndpoint or ErrNotActive.
func (s *Endpoints) Test(ctx context.Context, id tenant.ID, endpoint uuid.UUID, by By) (webhookID uuid.UUID, err error) {
	_, err = s.change(ctx, id, endpoint, "webhook.test", by, func(ctx context.Context, tx pgx.Tx, e Endpoint) (Endpoint, error) {
		if e.State != Active {
			return e, ErrNotActive
		}
		data, err := json.Marshal(map[string]string{"endpoint": endpoint.String(), "actor": by.Actor})
		if err != nil {
			return e, err
		}
		var seq int64
		err = tx.QueryRow(ctx, insertTest, db.FactWebhookTest, db.FactVersion(db.FactWebhookTest), string(data)).Scan(&seq, (*[16]byte)(&webhookID))
		if err != nil {
			return e, err
		}
		_, err = tx.Exec(ctx, insertTestDelivery, endpoint.String(), seq)
		return e, err
	})
	return webhookID, err
}

// Replay lets an endpoint be told once more of a fact of which it was told, or of which telling it was given
// up. It returns ErrNoEndpoint, ErrNoDelivery or ErrPending.
func (s *Endpoints) Replay(ctx context.Context, id tenant.ID, endpoint uuid.UUID, delivery int64, by By) error {
	_, err := s.change(ctx, id, endpoint, "webhook.replay", by, func(ctx context.Context, tx pgx.Tx, e Endpoint) (Endpoint, error) {
		var state, key string
		err := tx.QueryRow(ctx, selectState, endpoint.String(), delivery).Scan(&state, &key)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return e, ErrNoDelivery
		case err != nil:
			return e, err
		case state == "pending":
			return e, ErrPending
		}
		if _, err := tx.Exec(ctx, replay, endpoint.String(), delivery); err != nil {
			return e, err
		}
		_, err = tx.Exec(ctx, promote, []string{endpoint.String()}, []string{key})
		return e, err
	})
	return err
}
