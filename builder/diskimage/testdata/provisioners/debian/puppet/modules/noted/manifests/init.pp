# SPDX-License-Identifier: MPL-2.0
class noted {
  file { '/etc/puppet-module':
    content => template('noted/note.erb'),
  }
}
