// Package doctor examines a live deployment: whether the walls between tenants stand where the code relies on them, and
// whether what the database says of tenants is what is there.
//
// # What always holds
//
//   - It changes nothing. What has to be tried by writing is tried in a transaction that is rolled back.
//   - It is as fast with thousands of tenants as with ten, but for the trial balances: what can be asked of the catalogue is
//     asked in one statement for all of them, and what has to be tried is tried with a sample.
//   - A check that cannot be made has not passed.
//
// # Why
//
// Tests show that the code keeps tenants apart on the databases that tests make. A deployment also has a pooler that
// somebody configured, a database that somebody restored, and logins that somebody gave rights.
package doctor
