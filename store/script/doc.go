// Package script runs an operator's SQL file in the scope of a tenant.
//
// # What always holds
//
//   - The statements are executed as the tenant's role: what the application may not do they may not either.
//   - They are one transaction, which is read-only unless it was asked for otherwise, and is rolled back if one of them
//     fails. A statement that would end it, or set what outlives it, is refused before anything is executed.
//   - A script is rolled back as soon as a statement leaves another role, search_path or transaction than the tenant's.
//   - It has a connection of its own, past any pooler, which is closed when it has ended: what a function call leaves on a
//     connection (set_config, an advisory lock) is left to nobody.
//
// # Why
//
// A file is no constant of the program, and whoever wrote it has the logins anyway: what is kept out are mistakes, such as a
// COMMIT in the middle or a SET ROLE, and not malice. A function call can still change the role (set_config), which is why
// the scope is looked at after each statement.
package script
