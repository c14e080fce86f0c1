// Package lobby is the room that every player of a tenant is in: what the operator has
// to tell to all of them. A promotion is an event like any other: journalled, numbered,
// resumed after a gap, and fenced.
//
// # What always holds
//
//   - Only staff publish and withdraw; the room writes the audit line in the same
//     transaction as the event.
//   - A promotion is active from its event until it is withdrawn or its end has come.
//   - Players never see which operator published or withdrew, nor why.
//   - Words are strict.Line and strict.Text: nothing in a promotion or a reason acts on a page or
//     cannot be stored.
//   - No money moves here.
//
// # Why
//
// A room instead of a table of announcements: the order, the resume and the fencing that
// tables of players need are what a broadcast needs too. Whoever comes later finds the
// active ones in the view, so a lost message means late, never missing. What is over is
// remembered only so far that the console can show it and an id is not used twice soon;
// the journal has all of it.
package lobby
