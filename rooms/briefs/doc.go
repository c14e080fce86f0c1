// Package briefs keeps what the lobby shows of each table (game.Briefer), over all nodes. Each node sends the
// others the briefs of its own tables that changed, and merges what they send.
//
// # What always holds
//
//   - Of two briefs of a table the one with the later position, by epoch and then seq, is kept, in
//     whatever order they come. A former owner's late message changes nothing.
//   - What the bus loses makes a brief old for fullEvery at most. A table whose owner has not named it for
//     forgetAfter, because it closed or nobody owns it, has no brief.
//   - Nothing from the bus is kept that is no brief of a possible room: each has game.BriefMax bytes at
//     most, a tenant rooms.RoomsMax of them.
//   - A socket that was given All and every Changes after it knows the same as this node, but for what
//     waits because pushBytes a second are sent at most. The table that has waited longest is sent first.
package briefs
