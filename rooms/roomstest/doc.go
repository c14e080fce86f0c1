// Package roomstest has an in-memory rooms.Journal for tests of rooms, and the suite that
// says in tests what every journal must do: Journal. Product code does not import it.
//
// # What always holds
//
//   - The in-memory journal passes the same suite as PostgreSQL's, so a room that is right
//     with one is right with the other.
//   - Its Hook can fail or stall a call before or after it has taken effect: the caller can
//     not tell which from the error, as with a database whose connection broke.
//
// # Why
//
// A working journal in memory instead of a mock with recorded calls: the room's tests then
// ask what is in the journal afterwards, and stay true when the room calls it differently.
package roomstest
