package sandbox

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// newSharedMemory makes memory for pieces, and the file by which a child gets it. Where there is none, pieces go
// through the pipe.
func newSharedMemory() (*sharedMemory, *os.File) {
	fd, err := unix.MemfdCreate("plimsoll", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, nil
	}
	file := os.NewFile(uintptr(fd), "pieces")
	memory, err := mapSealed(fd)
	if err != nil {
		file.Close() //nolint:errcheck // there is nothing in it
		return nil, nil
	}
	s := &sharedMemory{bytes: memory}
	runtime.AddCleanup(s, func(m []byte) { _ = unix.Munmap(m) }, memory) // a call may still read into it when the child is gone
	return s, file
}

// mapSealed maps the file for us, and fixes its size: a process that could shrink it could kill us.
func mapSealed(fd int) ([]byte, error) {
	// Memory that cannot be had later would kill the process that touches it.
	if err := unix.Fallocate(fd, 0, 0, sharedSlots*chunkSize); err != nil {
		return nil, err
	}
	memory, err := unix.Mmap(fd, 0, sharedSlots*chunkSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	_, _ = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_FUTURE_WRITE) // Linux 5.1
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL); err != nil {
		_ = unix.Munmap(memory)
		return nil, err
	}
	return memory, nil
}

// mapReadOnly is a child's view of the memory behind a file that it inherited.
func mapReadOnly(fd int) ([]byte, error) {
	view, err := unix.Mmap(fd, 0, sharedSlots*chunkSize, unix.PROT_READ, unix.MAP_SHARED)
	if err == nil {
		err = unix.Close(fd)
	}
	return view, err
}
