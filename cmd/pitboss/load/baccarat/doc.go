// Package baccarat plays baccarat for "pitboss load": how simulated players bet, what a table's events
// mean, and what the rules pay.
//
// # What always holds
//
//   - It reads what comes over the wire, and shares with the server only the rules that payouts
//     and outcomes are held to, rooms/baccarat.
//   - An outcome has all cards of the hand, so that a card that was told is held to the shoe too.
//   - Half of the tables take no commission. At half of each, bets on banker keep to the default step; at
//     the others they do not, so that payouts are rounded.
package baccarat
