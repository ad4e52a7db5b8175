# SPDX-License-Identifier: MPL-2.0
include noted

file { '/etc/puppet-facts':
  content => "${facts['os']['name']} ${facts['colour']} ${facts['packer_builder_type']}\n",
  mode    => '0640',
}
user { 'dora':
  ensure     => present,
  managehome => true,
}
exec { 'puppet exec':
  command => '/bin/sh -c \'echo "$(id -un)" > /etc/puppet-exec\'',
  creates => '/etc/puppet-exec',
}
package { 'hello':
  ensure          => installed,
  install_options => ['--no-install-recommends'],
}
# Without a running systemd, Puppet's type service knows init scripts only.
exec { '/bin/systemctl enable systemd-networkd':
  creates => '/etc/systemd/system/multi-user.target.wants/systemd-networkd.service',
}
