// Package jobs keeps what nodes ask the platform's process to do. Nodes have no right to make a schema or a role: they add a
// job and wait for what comes of it (Queue); the process that has the owner's login does it (Worker).
//
// What always holds:
//
//   - A job is one process's at a time, by a lease that it extends. One whose process was killed is begun again by the
//     next, so what is done has to be what can be begun again.
//   - Quick jobs do not wait for those that take long: they have a place of their own.
//   - Of the kinds that are about all tenants and take long, one job of each is open at a time.
//   - Jobs about one tenant are done one after the other, in the order in which they were asked for.
//   - A request that comes again under its Idempotency-Key is the same job, unless that failed because of what was asked, or of the
//     platform (Freed), and had changed nothing.
//   - What failed because of the database, or a lock, is tried again a few times; anything else is an answer.
//   - A secret that a job makes is sealed under the master key, and given out once.
package jobs
