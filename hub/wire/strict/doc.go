// Package strict decodes and validates external input: JSON, and the texts in it that people wrote.
//
// # What always holds
//
//   - A member is matched by its exact name, and no object has a member twice: what is checked is
//     what is used. Strings are valid Unicode. Nothing follows the value.
//   - Decode is for requests, commands, settings: it refuses unknown members, null, strings with
//     U+0000, and nesting beyond DepthMax.
//   - DecodeKnown is for data that may have members of a later version, or for others: tokens, the
//     journal, snapshots, the bus. It ignores such members.
//   - A Line or a Text holds nothing that a database, a log line or a page cannot show as it was
//     meant, and at most TextBytesMax bytes. Decoding into one enforces this; the number of
//     characters is checked with Trim.
//   - An error is for the sender to read. It names the member and what was expected, and
//     nothing of Go.
//
// # Why
//
// encoding/json ignores the case of names and uses the last of duplicates: with {"amount":100,
// "Amount":50000} a check elsewhere sees the first and the table stakes the second. Decode uses the
// Go team's decoder for the next version of that package.
//
// A text is refused for C0 and C1 controls (PostgreSQL has no U+0000, terminals interpret the others),
// for U+202A to U+202E, which change the direction of the text after them, and for U+2028 and U+2029,
// which not all software treats as ends of lines: a Text has line feeds, a Line has none.
// Joiners (U+200C, U+200D) are allowed, since Persian and emoji need them, and so are isolates
// (U+2066 to U+2069), which end with their paragraph.
package strict
