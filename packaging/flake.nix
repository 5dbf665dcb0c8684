# `nix build '.?dir=packaging'` in a checkout makes the package; `nixosModules.default` runs it: services.amtd.enable = true.
{
  description = "AMT firmware link (local manageability service)";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
    in {
      packages.${system}.default = pkgs.rustPlatform.buildRustPackage {
        pname = "amtd";
        version = "0.1.0";
        src = ../.;
        cargoLock.lockFile = ../Cargo.lock;
        cargoBuildFlags = [ "-p" "amtd" "-p" "amtctl" ];
        cargoTestFlags = [ "-p" "amtd-apf" "-p" "amtd-mei" "-p" "amtd-amt" ];
        postInstall = ''
          install -Dm644 -t $out/lib/systemd/system systemd/*
          install -Dm644 packaging/udev/60-amtd.rules $out/lib/udev/rules.d/60-amtd.rules
          for section in 1 5 8; do
            install -Dm644 -t $out/share/man/man$section packaging/man/*.$section
          done
          for program in amtd amtctl; do
            install -Dm644 packaging/completions/$program.bash $out/share/bash-completion/completions/$program
          done
          install -Dm644 -t $out/share/zsh/site-functions packaging/completions/_*
          install -Dm644 -t $out/share/fish/vendor_completions.d packaging/completions/*.fish
          substituteInPlace $out/lib/systemd/system/*.service \
            --replace-quiet /usr/sbin/amtd $out/bin/amtd --replace-quiet /usr/bin/amtctl $out/bin/amtctl
        '';
        meta = {
          description = "Owns the AMT firmware link of a machine and serves its local WSMAN ports";
          license = pkgs.lib.licenses.asl20;
          platforms = [ system ];
          mainProgram = "amtctl";
        };
      };

      nixosModules.default = { config, lib, ... }:
        let
          cfg = config.services.amtd;
          package = self.packages.${system}.default;
        in {
          options.services.amtd.enable = lib.mkEnableOption "the AMT firmware link";
          config = lib.mkIf cfg.enable {
            environment.systemPackages = [ package ];
            services.udev.packages = [ package ];
            systemd.packages = [ package ];
            systemd.sockets.amtd.wantedBy = [ "sockets.target" ];
            systemd.sockets.amtd-control.wantedBy = [ "sockets.target" ];
            systemd.services.amtd.wantedBy = map (n: "dev-mei${toString n}.device") [ 0 1 2 3 ];
            users.users.amtd = { isSystemUser = true; group = "amtd"; };
            users.groups = { amtd = { }; amt = { }; amt-admin = { }; };
          };
        };
    };
}
