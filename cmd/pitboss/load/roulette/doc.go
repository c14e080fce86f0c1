// Package roulette plays roulette for "pitboss load": how simulated players bet, what a
// table's events mean, and what the rules pay.
//
// # What always holds
//
//   - It reads what comes over the wire, and shares with the server only the rules that payouts
//     and outcomes are held to, rooms/roulette.
//   - A bet is on one of 23 positions, of every kind; half of the tables play la partage.
package roulette
