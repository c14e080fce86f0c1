// Package answers keeps what requests with an Idempotency-Key were answered with.
//
// What always holds:
//
//   - Of requests of one person under one key, one at a time is worked on, on whatever node. One that asks for something
//     else is refused.
//   - A key that has its answer has the same answer for Life; after that it is a new one.
//   - What is stored is sealed for its tenant: it says what was done to whom. A secret that is shown once is not in it:
//     whoever shows one keeps an answer without it.
//   - A request whose node died before it was answered may be sent again after UnderWay. It is worked on once more then:
//     whoever moves money by it does so under an id that follows from the key.
//
// Nobody waits until a key is on disk: what is done under it is written after it, so that a database that crashes has
// both or the key at most. If it loses an answer, the request is one that was not answered.
package answers
