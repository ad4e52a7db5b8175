export DIB_DEV_USER_PWDLESS_SUDO="yes"
export DIB_DEV_USER_USERNAME="user"
export DIB_DEV_USER_PASSWORD="password"
disk-image-create ironic-agent centos7 -o ironic-deploy
disk-image-create centos7 baremetal dhcp-all-interfaces grub2 -o my-image
