package sandbox

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// newSharedMemory makes shared memory, and the file through which a child maps it. It returns nil
// if the system cannot; pieces then go through the pipe.
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
	runtime.AddCleanup(s, func(m []byte) { _ = unix.Munmap(m) }, memory) // a call may still write into it when the child is gone
	return s, file
}

// mapSealed maps the file for this process, and seals its size: a child that could shrink it could
// crash this process.
func mapSealed(fd int) ([]byte, error) {
	// Allocated now, because a later failure to allocate would kill the process that touches it.
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

// mapReadOnly maps an inherited file in a child, and closes the file.
func mapReadOnly(fd int) ([]byte, error) {
	view, err := unix.Mmap(fd, 0, sharedSlots*chunkSize, unix.PROT_READ, unix.MAP_SHARED)
	if err == nil {
		err = unix.Close(fd)
	}
	return view, err
}
