// Package hss answers the container-image operations of the Huawei Cloud HSS v5 API: the vendor's contract.
//
// Words of the contract appear in this package and nowhere else; wire.go holds the conversions, one function per type
// and direction. operations.go is the table of what is offered, contract.go lists all that the contract has, and
// differences.go lists where the answers differ from it on purpose. testdata/contract.json holds the contract's facts for the tests.
package hss
