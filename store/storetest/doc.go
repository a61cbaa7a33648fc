// Package storetest defines what a store must do, whatever engine is below it. An
// engine's own tests call Run; a new method of the store starts with a case here.
//
// The suites of parts that need nothing of the others are folders: accounttest, backlogtest,
// and advisorytest for the advisory database.
package storetest
