// Package list is how a part of a long list is asked for: which rows, in which order, from where on.
//
// What always holds:
//
//   - A page begins after the last row of the page before, by the value that the list is sorted by and the row's own key,
//     so that rows which come or go in between neither move a row to another page nor show one twice.
//   - What a client writes is a parameter of the statement. The columns, and the operators that each allows, are those of
//     the Table.
//   - Rows in memory are listed as those of the database, whose text is compared by its bytes: a database that was made with
//     a collation of its own sorts text by that.
//   - A cursor belongs to the list and the order that it was made in; with another one it is refused.
package list
