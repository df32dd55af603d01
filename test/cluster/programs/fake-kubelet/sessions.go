package main

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// counters is the body of GET /debug/connections. All but Resizes return to zero when every client
// has gone, save that Connections counts idle ones and the one that asks.
type counters struct {
	// Streaming requests that are being served, by kind.
	Exec        int `json:"exec"`
	Attach      int `json:"attach"`
	PortForward int `json:"portForward"`
	Logs        int `json:"logs"`
	// Their sum.
	Open int `json:"open"`
	// Processes of exec that are running.
	Processes int `json:"processes"`
	// Connections that port-forward holds open to loopback ports.
	Dials int `json:"dials"`
	// Accepted TCP connections that are open.
	Connections int `json:"connections"`
	// Terminal sizes received since the start.
	Resizes int `json:"resizes"`
}

type sessions struct {
	mu    sync.Mutex
	now   counters
	conns map[*connection]struct{}
}

func newSessions() *sessions { return &sessions{conns: map[*connection]struct{}{}} }

// add changes one counter; field is given the counters while the lock is held.
func (s *sessions) add(field func(*counters) *int, delta int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*field(&s.now) += delta
}

func (s *sessions) snapshot() counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now
	now.Open = now.Exec + now.Attach + now.PortForward + now.Logs
	now.Connections = len(s.conns)
	return now
}

func kindOf(kind string) func(*counters) *int {
	return func(c *counters) *int {
		switch kind {
		case "exec":
			return &c.Exec
		case "attach":
			return &c.Attach
		case "portForward":
			return &c.PortForward
		default:
			return &c.Logs
		}
	}
}

// count counts a session while it is served, and cancels its context when its connection is lost.
// net/http does the latter only until the connection is hijacked, which is what an upgrade does.
func (s *sessions) count(kind string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.add(kindOf(kind), 1)
		defer s.add(kindOf(kind), -1)
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		if conn, ok := r.Context().Value(connectionKey{}).(*connection); ok {
			defer context.AfterFunc(conn.lost, cancel)()
		}
		next(w, r.WithContext(ctx))
	}
}

type connectionKey struct{}

// withConnection lets handlers find the connection that a request came by.
func (s *sessions) withConnection(ctx context.Context, conn net.Conn) context.Context {
	if encrypted, ok := conn.(*tls.Conn); ok {
		conn = encrypted.NetConn()
	}
	return context.WithValue(ctx, connectionKey{}, conn)
}

// closeAll ends every connection, and waits for what was served on them to end.
func (s *sessions) closeAll(limit time.Duration) {
	s.mu.Lock()
	conns := make([]*connection, 0, len(s.conns))
	for conn := range s.conns {
		conns = append(conns, conn)
	}
	s.mu.Unlock()
	for _, conn := range conns {
		conn.Close()
	}
	for deadline := time.Now().Add(limit); s.snapshot().Open > 0 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
}

func (s *sessions) listener(inner net.Listener) net.Listener { return &listener{inner, s} }

type listener struct {
	net.Listener
	sessions *sessions
}

func (l *listener) Accept() (net.Conn, error) {
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	conn := &connection{Conn: inner, sessions: l.sessions}
	conn.lost, conn.lose = context.WithCancel(context.Background())
	l.sessions.mu.Lock()
	l.sessions.conns[conn] = struct{}{}
	l.sessions.mu.Unlock()
	return conn, nil
}

// connection notices its own end, whoever holds it after a hijack.
type connection struct {
	net.Conn
	sessions *sessions
	lost     context.Context
	lose     context.CancelFunc
}

func (c *connection) Read(buffer []byte) (int, error) {
	n, err := c.Conn.Read(buffer)
	// net/http aborts a pending read by a deadline when it hands a connection over: that is no loss.
	if timeout, ok := err.(net.Error); err != nil && !(ok && timeout.Timeout()) {
		c.lose()
	}
	return n, err
}

func (c *connection) Close() error {
	c.lose()
	c.sessions.mu.Lock()
	delete(c.sessions.conns, c)
	c.sessions.mu.Unlock()
	return c.Conn.Close()
}
