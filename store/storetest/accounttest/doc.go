// Package accounttest is the part of storetest about accounts.
package accounttest
