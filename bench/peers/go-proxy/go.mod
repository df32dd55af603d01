module evenkeel/bench/peers/go-proxy

go 1.24
