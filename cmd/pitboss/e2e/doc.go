// Package e2e has the tests that run the whole program: nodes are processes, and the tests talk to
// them by flags, HTTP, sockets and signals. What they were told is then compared with what is in
// PostgreSQL.
//
// # What always holds
//
//   - The program is built once for all tests, with the race detector if they run with it. The build
//     tag e2e adds what cmd/pitboss/e2e_hooks.go has and nothing else.
//   - A node that ends with an error, or in which the race detector found something, fails its test.
//   - Tests of single functions, of limits that no flag sets, and of the command line's words are in
//     cmd/pitboss.
package e2e
