// Package webhooks keeps where a casino wants to be told what happens (endpoints), what it is to be told (facts,
// which are written where they happen), and what it was told (deliveries).
//
// # What always holds
//
//   - A fact is written in the transaction in which it happened, if the casino has an endpoint that is not
//     disabled at that moment. It becomes a delivery for every endpoint that wants its type, once, whenever
//     its transaction commits.
//   - Of one endpoint and one player, one delivery is under way at a time, the lowest fact first. What was
//     committed before another transaction began has the lower number, and is told first.
//   - One process delivers for a tenant: every write of it names the epoch that it got when it began. Who has
//     a later epoch fences it: what it still writes changes nothing.
//   - What was not recorded as delivered is delivered again, under the same id. Nothing is lost but what
//     waited for longer than KeepFor.
//   - A secret is sealed under the master key for one endpoint of one tenant. It is shown once, and is in no
//     audit line.
//
// # Why
//
// A reader that goes on by number skips what commits late under a lower number. One that waits until nobody
// older is under way (xmin) skips nothing, but tells a player's later fact first: the transaction with the
// later number may have begun to wait for the player's account before the other one did. So FanOut reads what
// it can see from the oldest transaction on that was under way when it last read everything, and leaves out
// what has a delivery. What it has seen is in order, and a transaction that lasts for long costs only a
// longer look.
//
// A delivery that waits behind another of its key has no time at which it is due, so that ten thousand that
// wait behind one that fails cost nothing until it succeeds.
//
// Each second, Work reads whether there is anything to do, and writes nothing: only a tenant at which something
// happened costs more. Hints over Redis are lost now and then, so they would not save that look; a row of the
// platform's that each fact updates would, and make facts wait for each other.
//
// platform.webhook is what one look a second tells of all tenants: who has endpoints, and who delivers for
// them until when, by the clock of PostgreSQL. A process that believes in a lease that it lost is fenced by
// the epoch in the tenant's own schema, as rooms are.
package webhooks
