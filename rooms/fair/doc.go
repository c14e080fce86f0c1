// Package fair turns secret seeds into results that anyone can check.
//
// A game commits to a seed before the first bet (game.Seed.Commit), derives its
// chance from the seed alone, and reveals the seed with the result. Whoever has the
// seed and docs/games can compute the same result in any language;
// testdata/vectors.json and shuffles.json hold examples made by another program.
//
// # What always holds
//
//   - A Stream is a pure function of its seed and its label. It reads nothing else.
//   - Intn gives every value exactly the same number of words: a word that would
//     favour the low values is thrown away and the next one is taken.
//   - Shuffle gives every order exactly one sequence of draws: they are equally likely. A
//     seed of 256 bits does not reach all orders of more than 57 elements; what that means
//     for a game is in its page in docs/games.
//   - Seeds come from an Engine. An engine that fails gives an error, never a weaker
//     seed, so that no round is opened. There is no second source to fall back to.
//
// # Why
//
// HMAC-SHA256 in counter mode is in every standard library, browsers' too, so that a
// verifier is thirty lines. Words are integers from the start: a float cannot hold
// 37 equally likely values, and compilers round it differently.
//
// Engine is an interface because operators bring certified generators. Games import
// this package for Stream only and never see an Engine.
package fair
