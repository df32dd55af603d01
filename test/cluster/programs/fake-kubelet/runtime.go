package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/remotecommand"
	utilexec "k8s.io/utils/exec"
)

// runtime is what a container runtime gives to the streaming server. Every context here is cancelled
// when the client's connection is lost.
type runtime struct {
	workDir  string
	sessions *sessions
}

// ExecInContainer runs a process on this machine. With tty, standard error joins standard output, as
// on a terminal, but there is none: a program that asks isatty is told no.
func (rt *runtime) ExecInContainer(ctx context.Context, _ string, _ types.UID, _ string, argv []string,
	in io.Reader, out, errOut io.WriteCloser, tty bool, resize <-chan remotecommand.TerminalSize, _ time.Duration,
) error {
	if len(argv) == 0 {
		return errors.New("no command")
	}
	go rt.countResizes(ctx, resize)
	command := exec.CommandContext(ctx, argv[0], argv[1:]...)
	command.Dir = rt.workDir
	command.SysProcAttr = processAttributes()
	// The whole group is ended, since a shell's children would keep the output open.
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = 5 * time.Second
	// A nil interface, not an interface that holds nil: os/exec then opens /dev/null.
	if out != nil {
		command.Stdout = out
	}
	if tty {
		command.Stderr = command.Stdout
	} else if errOut != nil {
		command.Stderr = errOut
	}
	if in != nil {
		// With command.Stdin, Wait would wait for the client to close its side.
		stdin, err := command.StdinPipe()
		if err != nil {
			return err
		}
		go func() {
			defer stdin.Close()
			_, _ = io.Copy(stdin, in)
		}()
	}
	if err := command.Start(); err != nil {
		// What a shell answers for a command that cannot be started (POSIX, 2.8.2).
		return utilexec.CodeExitError{Err: err, Code: 127}
	}
	rt.sessions.add(func(c *counters) *int { return &c.Processes }, 1)
	err := command.Wait()
	rt.sessions.add(func(c *counters) *int { return &c.Processes }, -1)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code := exit.ExitCode()
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			code = 128 + int(status.Signal()) // As shells and container runtimes say it.
		}
		return utilexec.CodeExitError{Err: err, Code: code}
	}
	return err
}

// AttachContainer says hello and echoes standard input; without it, it waits for the client to go.
func (rt *runtime) AttachContainer(ctx context.Context, pod string, _ types.UID, container string,
	in io.Reader, out, _ io.WriteCloser, _ bool, resize <-chan remotecommand.TerminalSize,
) error {
	go rt.countResizes(ctx, resize)
	if out != nil {
		fmt.Fprintf(out, "attached to %s/%s\n", pod, container)
	}
	if in == nil {
		<-ctx.Done()
		return nil
	}
	if out == nil {
		out = nopCloser{io.Discard}
	}
	_, err := io.Copy(out, in)
	return err
}

// PortForward joins one forwarded connection to a loopback port of this machine.
func (rt *runtime) PortForward(ctx context.Context, _ string, _ types.UID, port int32, stream io.ReadWriteCloser) error {
	defer stream.Close()
	dialer := net.Dialer{Timeout: 10 * time.Second}
	target, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
	if err != nil {
		return err
	}
	rt.sessions.add(func(c *counters) *int { return &c.Dials }, 1)
	defer rt.sessions.add(func(c *counters) *int { return &c.Dials }, -1)
	defer target.Close()
	defer context.AfterFunc(ctx, func() { target.Close() })()
	var up sync.WaitGroup
	up.Go(func() {
		_, _ = io.Copy(target, stream)
		// The client may close its half and still want the answer.
		_ = target.(*net.TCPConn).CloseWrite()
	})
	_, err = io.Copy(stream, target)
	// The server is done, so nothing that the client still sends has a reader.
	_ = stream.Close()
	target.Close()
	up.Wait()
	return err
}

func (rt *runtime) countResizes(ctx context.Context, resize <-chan remotecommand.TerminalSize) {
	for {
		select {
		case _, open := <-resize:
			if !open {
				return
			}
			rt.sessions.add(func(c *counters) *int { return &c.Resizes }, 1)
		case <-ctx.Done():
			return
		}
	}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
