# SPDX-License-Identifier: MPL-2.0
# For NixOS' own module: services.kanidm.package = pkgs.kanidm-unix. It reads
#	bin/{kanidm_unixd,kanidm_unixd_tasks}, and puts bin/ into the system's path
#	lib/libnss_kanidm.so.2, by system.nssModules
#	lib/pam_kanidm.so: not below lib/security
#	version, eolMessage, enableSecretProvisioning
# and it installs the same package for the client and the server of the reference. So this is the
# reference's package with ours in front of it: what both have is ours.
# Evaluated with a stand-in for nixpkgs (tests/package/nix); not run on NixOS yet.
{
  lib,
  stdenv,
  cmake,
  ninja,
  pkg-config,
  cjson,
  curl,
  libcap,
  libselinux,
  openssl,
  pam,
  sqlite,
  symlinkJoin,
  kanidm,
}:
let
  version = "0.1.0";

  meta = {
    description = "Kanidm accounts on this host: resolver daemon, NSS and PAM modules";
    license = lib.licenses.mpl20;
    platforms = lib.platforms.linux;
    mainProgram = "kanidm-unix";
  };

  # With a type, so that CMake leaves what is relative to the prefix as it is.
  flag = name: value: "-D${name}:STRING=${value}";

  unwrapped = stdenv.mkDerivation {
    pname = "kanidm-unix-unwrapped";
    inherit version meta;

    src = lib.cleanSource ../..;

    nativeBuildInputs = [
      cmake
      ninja
      pkg-config
    ];
    buildInputs = [
      cjson
      curl
      libcap
      libselinux
      openssl
      pam
      sqlite
    ];

    cmakeBuildType = "RelWithDebInfo";
    cmakeFlags = [
      (flag "CMAKE_INSTALL_SBINDIR" "bin")
      (flag "KU_NSS_DIR" "lib")
      (flag "KU_PAM_DIR" "lib")
      (flag "KU_SYSTEMD_PREFIX" "lib")
      (flag "KU_ZSH_DIR" "share/zsh/site-functions")
      # The module writes /etc/kanidm; these are examples.
      (flag "KU_CONF_INSTALL_DIR" "share/kanidm-unixd/etc")
      (flag "KU_SSHD_DIR" "share/kanidm-unixd/sshd_config.d")
      # Tools of other distributions.
      (flag "KU_PAM_CONFIGS_DIR" "")
      (flag "KU_AUTHSELECT_DIR" "")
      (flag "KU_APPARMOR_DIR" "")
    ];
  };
in
symlinkJoin {
  name = "kanidm-unix-${version}";
  paths = [
    unwrapped
    kanidm
  ];
  inherit meta;
  passthru = {
    inherit version unwrapped;
    eolMessage = "";
    enableSecretProvisioning = kanidm.enableSecretProvisioning or false;
  };
}
