package pathlist

// Kind is the kind of a file by its first bytes; one letter.
type Kind byte

// The kinds of file. A directory or a link has KindNone.
const (
	KindNone     Kind = '-'
	KindEmpty    Kind = '0'
	KindELF      Kind = 'e'
	KindPE       Kind = 'p'
	KindMachO    Kind = 'm'
	KindScript   Kind = 's' // "#!"
	KindText     Kind = 't'
	KindArchive  Kind = 'z' // zip, tar, or a compressed stream
	KindPicture  Kind = 'i'
	KindBytecode Kind = 'b' // of Java, Python or WebAssembly
	KindDatabase Kind = 'd' // SQLite
	KindData     Kind = 'x' // anything else
)

// String returns the kind's name, as in FileFact.Kind of the root package.
func (k Kind) String() string {
	switch k {
	case KindEmpty:
		return "empty"
	case KindELF:
		return "elf"
	case KindPE:
		return "pe"
	case KindMachO:
		return "mach-o"
	case KindScript:
		return "script"
	case KindText:
		return "text"
	case KindArchive:
		return "archive"
	case KindPicture:
		return "picture"
	case KindBytecode:
		return "bytecode"
	case KindDatabase:
		return "database"
	case KindData:
		return "data"
	default:
		return "none"
	}
}
