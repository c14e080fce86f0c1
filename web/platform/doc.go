// Package platform answers the API of the platform's operator, at a host of its own: which casinos there are, what is to be
// done with them, and what was.
//
// What always holds: its requests pass the same middleware as a casino's, but the host names no casino, and only API keys
// of the platform let anybody in. A node changes nothing itself: each change is a job of the platform's process
// (store/jobs), which has the owner's login, and a request that comes again under its Idempotency-Key is the same job. A
// secret is in one answer, and kept nowhere once it was given out. The page /platform (web/ui/platform) is a client of this API like others.
package platform
