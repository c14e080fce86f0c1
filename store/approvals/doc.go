// Package approvals keeps what one person asks for until a second one agrees.
//
// # What always holds
//
//   - An approval has one answer. What is approved is done in the transaction of the answer: once, or not at
//     all, whatever crashes. What cannot be done is not approved, and stays open.
//   - Who approves or refuses is another person who has the scope approvals:write: never the one who asked,
//     under whatever role, nor one of the people behind the API key that asked, and never a key or a service.
//     Only who asked withdraws. The table's constraints say so too.
//   - The people behind an API key are who made it, who made and replaced the keys before it, and who replaced
//     the last of them by it. They are written down with what is asked for: what becomes of the key changes nothing.
//   - An approval is of what was asked for: its id is the command_id, and the same id with another kind, target
//     or request is refused.
//   - Asking and answering write lines of the audit log in their transactions.
//   - Whether an approval is expired is said by the clock of PostgreSQL, and by no other.
//
// # Why
//
// The parts of the store do not import each other. What is shared is in store/internal/db: an Ask, and the
// Approved that a kind's Execute is called with. So a new kind is one function, which store.Open names.
//
// No job writes that an approval has expired: it would be late, and a reader would have to look at the clock
// anyway.
package approvals
