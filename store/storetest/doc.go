// Package storetest defines what a store must do, whatever engine is below it. An
// engine's own tests call Run; a new method of the store starts with a case here.
package storetest
