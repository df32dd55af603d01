module evenkeel/tools/etcd

go 1.24.0
