package db

import (
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
)

// The types of facts. FactKinds says what each is.
const (
	FactRoundSettled       = "round.settled"
	FactRoundVoided        = "round.voided"
	FactPlayerCredited     = "player.credited"
	FactPlayerKicked       = "player.kicked"
	FactPromotionPublished = "promotion.published"
	FactPromotionWithdrawn = "promotion.withdrawn"
	FactRoomOpened         = "room.opened"
	FactRoomClosing        = "room.closing"
	FactRoomClosed         = "room.closed"
	FactWebhookTest        = "webhook.test"
)

// FactKind describes one type of facts.
type FactKind struct {
	Type    string
	Version int      // rises when a field changes its meaning or goes; a new field changes nothing
	Text    string   // when there is one, for people
	Fields  []string // of its data; each is always there
	Maybe   []string // fields that are left out if they are empty
}

// factKinds is the one catalogue of facts. docs/webhooks.md has a row for each, which a test compares.
var factKinds = []FactKind{
	{FactRoundSettled, 1, "a round has ended; one for each player who had a stake in it", roundFields, nil},
	{FactRoundVoided, 1, "a round ended without a result and stakes were given back; one for each player who had a stake in it", roundFields, nil},
	{FactPlayerCredited, 1, "the staff gave a player money, or took some back (`amount` below zero)", []string{"player", "amount", "balance", "command_id", "reason", "actor"}, nil},
	{FactPlayerKicked, 1, "the staff sent a player away and revoked the player's tokens", []string{"player", "reason", "actor"}, nil},
	{FactPromotionPublished, 1, "the staff published a promotion", []string{"id", "title", "text", "published_at", "ends_at", "by"}, nil},
	{FactPromotionWithdrawn, 1, "the staff withdrew a promotion", []string{"id", "by"}, []string{"reason"}},
	{FactRoomOpened, 1, "the staff opened a room", []string{"room", "game", "name", "settings", "actor"}, nil},
	{FactRoomClosing, 1, "the staff asked a room to close after its round", []string{"room", "reason", "actor"}, nil},
	{FactRoomClosed, 1, "a room has closed for good", []string{"room"}, []string{"reason"}},
	{FactWebhookTest, 1, "somebody asked for a test of one endpoint, which alone is told", []string{"endpoint", "actor"}, nil},
}

var roundFields = []string{"player", "room", "game", "round", "staked", "payout", "refund", "net"}

// FactKinds returns the catalogue of facts. It is not to be changed.
func FactKinds() []FactKind { return factKinds }

// factVersions holds the version of each type.
var factVersions = func() map[string]int16 {
	out := map[string]int16{}
	for _, k := range factKinds {
		out[k.Type] = int16(k.Version)
	}
	return out
}()

// FactVersion returns the version of a type of facts; 0 if there is no such type.
func FactVersion(typ string) int16 { return factVersions[typ] }

// Fact is something that happened at a tenant, of which its webhooks tell.
type Fact struct {
	Type   string
	Player string    // whose it is; "": nobody's
	At     time.Time // zero: now, by the database's clock
	Data   any       // encoded as JSON
}

// SomebodyListens is the SQL condition under which a fact is written: it is decided in the statement, so it is
// exact, and costs a tenant without webhooks one look at an empty table.
const SomebodyListens = `exists (select from webhook_endpoint where state <> 'disabled')`

const insertFacts = `
insert into fact (type, version, player, at, data)
select u.type, u.version, u.player, coalesce(u.at, clock_timestamp()), u.data::json
from unnest($1::text[], $2::smallint[], $3::text[], $4::timestamptz[], $5::text[]) as u(type, version, player, at, data)
where ` + SomebodyListens

// QueueFacts queues one statement that writes facts in the scope of a tenant, if one of its webhooks may want
// them. It belongs into the transaction of what happened, after all that the transaction waits for.
func QueueFacts(q *pgx.Batch, facts ...Fact) error {
	n := len(facts)
	if n == 0 {
		return nil
	}
	types, versions, players := make([]string, n), make([]int16, n), make([]string, n)
	ats, data := make([]*time.Time, n), make([]string, n)
	for i, f := range facts {
		text, err := json.Marshal(f.Data)
		if err != nil {
			return err
		}
		types[i], versions[i], players[i], data[i] = f.Type, factVersions[f.Type], f.Player, string(text)
		if !f.At.IsZero() {
			ats[i] = &f.At
		}
	}
	q.Queue(insertFacts, types, versions, players, ats, data)
	return nil
}
