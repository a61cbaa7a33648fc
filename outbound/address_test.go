package outbound

import (
	"net/netip"
	"testing"
)

// Kinds of addresses.
const (
	public = iota
	listed // refused unless in Allow
	never
)

var classifiedAddresses = []struct {
	addr string
	want int
}{
	{"93.184.215.14", public},
	{"1.1.1.1", public},
	{"172.15.255.255", public},
	{"172.32.0.0", public},
	{"100.63.255.255", public},
	{"2606:4700::1111", public},
	{"::ffff:1.1.1.1", public},
	{"64:ff9b::1.1.1.1", public},

	{"127.0.0.1", listed},
	{"127.255.255.254", listed},
	{"::1", listed},
	{"::1%lo", listed},
	{"10.0.0.1", listed},
	{"172.16.0.1", listed},
	{"172.31.255.255", listed},
	{"192.168.1.1", listed},
	{"100.64.0.1", listed},
	{"100.127.255.255", listed},
	{"198.18.0.1", listed},
	{"fc00::1", listed},
	{"fdff::1", listed},
	{"fec0::1", listed},
	{"::ffff:127.0.0.1", listed},
	{"::ffff:10.0.0.1", listed},
	{"64:ff9b::10.0.0.1", listed},

	{"169.254.169.254", never},
	{"169.254.0.23", never},
	{"169.254.170.2", never},
	{"100.100.100.200", never},
	{"168.63.129.16", never},
	{"192.0.0.192", never},
	{"0.0.0.0", never},
	{"0.1.2.3", never},
	{"224.0.0.1", never},
	{"239.255.255.255", never},
	{"240.0.0.1", never},
	{"255.255.255.255", never},
	{"::", never},
	{"::7f00:1", never},
	{"fe80::1", never},
	{"fe80::1%eth0", never},
	{"febf::1", never},
	{"fd00:ec2::254", never},
	{"fd00:ec2::23", never},
	{"fd20:ce::254", never},
	{"ff02::1", never},
	{"::ffff:169.254.169.254", never},
	{"::ffff:0.0.0.0", never},
	{"64:ff9b::169.254.169.254", never},
	{"64:ff9b::100.100.100.200", never},
	{"64:ff9b:1::a9fe:a9fe", never},
	{"2002:a9fe:a9fe::1", never},
	{"2001:0:1::1", never},
}

func TestClassifyAddr(t *testing.T) {
	for _, tt := range classifiedAddresses {
		c := classifyAddr(netip.MustParseAddr(tt.addr))
		got := public
		if c.alwaysRefused {
			got = never
		} else if c.name != "" {
			got = listed
		}
		if got != tt.want {
			t.Errorf("classifyAddr(%s) = %+v, want kind %d", tt.addr, c, tt.want)
		}
	}
	if !classifyAddr(netip.Addr{}).alwaysRefused {
		t.Error("the zero address is dialled")
	}
}
