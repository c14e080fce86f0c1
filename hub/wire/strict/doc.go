// Package strict reads what comes from outside: JSON, and the texts in it that a person wrote.
//
// # What always holds
//
//   - A member is matched by its exact name, and no object has one twice: what is checked is
//     what is used. Strings are valid Unicode. Nothing follows the value.
//   - Decode is for requests, commands, settings: a member that is not known is refused, null is
//     no value, no string holds U+0000, and nesting ends at DepthMax.
//   - DecodeKnown is for what may have members of a later version, or for others: tokens, the
//     journal, snapshots, the bus. Those are ignored.
//   - A Line or a Text holds nothing that a database, a log line or a page cannot show as it was
//     meant, and at most TextBytesMax bytes. Whoever decodes into one cannot forget the rule; how many
//     characters are meant is checked with Trim.
//   - An error is for the sender to read. It names the member and what was expected, and
//     nothing of Go.
//
// # Why
//
// encoding/json matches names without case and takes the last of several: of {"amount":100,
// "Amount":50000} a check elsewhere sees the first and the table stakes the second. The decoder
// below Decode is the Go team's for the next version of that package.
//
// A text is refused for C0 and C1 controls (PostgreSQL has no U+0000, terminals obey the others),
// for U+202A to U+202E, which turn the text after them around, and for U+2028 and U+2029, which
// are ends of lines that not everybody knows: a Text has line feeds, a Line has none.
// Joiners (U+200C, U+200D) stay, for Persian and emoji are not written without them, and so do
// isolates (U+2066 to U+2069), which end with their paragraph.
package strict
