package journal

import (
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

// insertRoundFacts adds up what each player who had a stake staked and got, as histories do. The transfers of
// the transaction have to be written before.
const insertRoundFacts = `
insert into fact (type, version, player, at, data)
select u.type, u.version, m.player, u.at, json_build_object('player', m.player, 'room', u.room, 'game', r.game, 'round', u.round,
  'staked', m.staked, 'payout', m.paid, 'refund', m.refunded, 'net', m.paid + m.refunded - m.staked)
from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::smallint[], $6::timestamptz[]) as u(room, ref, round, type, version, at)
join room r on r.id = u.room
cross join lateral (
  select x.player, coalesce(sum(x.amount) filter (where x.kind = 'stake'), 0)::bigint as staked,
    coalesce(sum(x.amount) filter (where x.kind = 'payout'), 0)::bigint as paid,
    coalesce(sum(x.amount) filter (where x.kind = 'refund'), 0)::bigint as refunded
  from transfer x where x.room = u.room and x.ref = u.ref group by x.player
) m
where m.staked > 0 and ` + db.SomebodyListens + `
order by u.room, u.round, m.player`

// queueFacts queues what webhooks may tell of the plans: of rounds that ended, and of single events. Whatever
// the number of rooms and rows, it is one statement for each of the two.
func queueFacts(q *pgx.Batch, plans []*plan) error {
	var ids, refs, types []string
	var rounds []int64
	var versions []int16
	var ats []time.Time
	var single []db.Fact
	for _, p := range plans {
		for _, e := range p.b.Entries {
			for _, r := range e.Records {
				switch r.Type {
				case game.TypeRoundSettled, game.TypeRoundVoided:
					ids, refs, rounds = append(ids, p.ref.Room), append(refs, game.RoundRef(r.Round)), append(rounds, r.Round)
					types, versions, ats = append(types, r.Type), append(versions, db.FactVersion(r.Type)), append(ats, r.At)
				case db.FactPromotionPublished, db.FactPromotionWithdrawn:
					single = append(single, db.Fact{Type: r.Type, At: r.At, Data: r.Data})
				case game.TypeClosed:
					f, err := closed(p.ref, r)
					if err != nil {
						return err
					}
					single = append(single, f)
				}
			}
		}
	}
	if len(ids) > 0 {
		q.Queue(insertRoundFacts, ids, refs, rounds, types, versions, ats)
	}
	return db.QueueFacts(q, single...)
}

// closed returns the fact that a room has closed.
func closed(ref rooms.Ref, r rooms.Record) (db.Fact, error) {
	var why game.Closed
	if len(r.Data) > 0 {
		if err := strict.DecodeKnown(r.Data, &why); err != nil {
			return db.Fact{}, err
		}
	}
	return db.Fact{Type: db.FactRoomClosed, At: r.At, Data: struct {
		Room   string `json:"room"`
		Reason string `json:"reason,omitempty"`
	}{ref.Room, why.Reason}}, nil
}
