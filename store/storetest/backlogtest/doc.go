// Package backlogtest is the part of storetest about the backlog and its tasks.
package backlogtest
