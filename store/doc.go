// Package store keeps the inventory, the judgement, the backlog and who may ask, over SQL.
//
// The SQL is written once, by hand, above the one function that runs it, with ?
// placeholders that DB rebinds. What engines do not share stands in Dialect. The
// folders below open an engine and hold its migrations; storetest defines what a
// store must do, for every engine.
//
// A noun's statements are in the file of its name. One table has one writing file.
package store
