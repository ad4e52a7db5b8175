# build
# - tty0
# - unset ConfigDrive
disk-image-create -t raw centos7 vm selinux-permissive devuser cloud-init-nocloud -o centos7-baremetal

# launch
virt-install --connect=qemu:///system --name=centos7 --ram=512 --vcpus=1 --disk path=centos7-baremetal.raw,format=raw --import --network network:default --vnc

# hack 1 :: /etc/cloud/cloud.cfg

# hack 2 :: /var/lib/cloud/instance/cloud-config.txt
cat > /var/lib/cloud/instance/cloud-config.txt <<DATA
#cloud-config
bootcmd:
 - echo 192.168.1.130 us.archive.ubuntu.com >> /etc/hosts
 - [ cloud-init-per, once, mymkfs, mkfs, /dev/vdb ]
DATA
