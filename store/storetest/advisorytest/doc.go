// Package advisorytest defines what an advisory database must do, whatever engine is below it.
package advisorytest
