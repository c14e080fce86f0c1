// Package script runs an operator's SQL file in the scope of a tenant.
//
// # What always holds
//
//   - The statements are executed as the tenant's role: what the application may not do they may not either.
//   - They are one transaction, which is read-only unless it was asked for otherwise, and is rolled back if one of them
//     fails. A statement that would end it, or outlive it on a connection, is refused before anything is executed.
//   - A script that ends in another role than the tenant's is rolled back.
//
// # Why
//
// A file is no constant of the program, and whoever wrote it has the logins anyway: what is kept out are mistakes, such as a
// COMMIT in the middle or a SET that is left at a pooler, and not malice. A function call can still change the role inside
// of a statement (set_config), which is why the role is looked at before the transaction is committed.
package script
