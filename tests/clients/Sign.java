// SPDX-License-Identifier: MIT
// A client of everyday use in Java: keys of the token, by SunPKCS11, sign; their certificates verify; and each opens TLS to a
// server that demands a certificate. `java Sign.java CONFIG PIN PORT CA ALIAS=ALGORITHM…`; PIN may be empty.

import java.io.FileInputStream;
import java.net.Socket;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.Security;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;

public class Sign {
    public static void main(String[] args) throws Exception {
        Provider provider = Security.getProvider("SunPKCS11").configure(args[0]);
        Security.addProvider(provider);
        KeyStore store = KeyStore.getInstance("PKCS11", provider);
        store.load(null, args[1].isEmpty() ? null : args[1].toCharArray());
        for (int i = 4; i < args.length; i++) {
            String[] key = args[i].split("=");
            sign(store, key[0], key[1]);
            for (String version : new String[] {"TLSv1.2", "TLSv1.3"})
                System.out.println(key[0] + " " + get(store, key[0], version, Integer.parseInt(args[2]), args[3]));
        }
    }

    private static void sign(KeyStore store, String alias, String algorithm) throws Exception {
        byte[] message = new byte[100000];
        Signature signer = Signature.getInstance(algorithm, store.getProvider());
        signer.initSign((PrivateKey) store.getKey(alias, null));
        signer.update(message);
        byte[] signature = signer.sign();
        Signature verifier = Signature.getInstance(algorithm, algorithm.endsWith("RSA") ? "SunRsaSign" : "SunEC");
        verifier.initVerify(store.getCertificate(alias));
        verifier.update(message);
        boolean right = verifier.verify(signature);
        message[0] = 1;
        verifier.update(message);
        System.out.println(alias + " verified " + right + ", of another message " + verifier.verify(signature));
    }

    private static String get(KeyStore store, String alias, String version, int port, String ca) throws Exception {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        try (FileInputStream in = new FileInputStream(ca)) {
            trusted.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(new KeyManager[] {new OneKey(store, alias)}, trust.getTrustManagers(), null);
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("localhost", port)) {
            socket.setEnabledProtocols(new String[] {version});
            socket.getOutputStream().write("GET / HTTP/1.0\r\n\r\n".getBytes());
            String answer = new String(socket.getInputStream().readAllBytes());
            return answer.substring(answer.indexOf("\r\n\r\n") + 4).trim();
        }
    }

    // Java chooses among several keys by the server's wishes; here it is to be this one.
    private static class OneKey extends X509ExtendedKeyManager {
        private final KeyStore store;
        private final String alias;

        OneKey(KeyStore store, String alias) {
            this.store = store;
            this.alias = alias;
        }

        private String fitting(String[] types) {
            try {
                String type = store.getCertificate(alias).getPublicKey().getAlgorithm();
                return java.util.Arrays.asList(types).contains(type) ? alias : null;
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }

        @Override public String chooseClientAlias(String[] types, Principal[] issuers, Socket socket) { return fitting(types); }
        @Override public String chooseEngineClientAlias(String[] types, Principal[] issuers, SSLEngine engine) { return fitting(types); }
        @Override public String[] getClientAliases(String type, Principal[] issuers) { return new String[] {alias}; }
        @Override public String[] getServerAliases(String type, Principal[] issuers) { return null; }
        @Override public String chooseServerAlias(String type, Principal[] issuers, Socket socket) { return null; }

        @Override public X509Certificate[] getCertificateChain(String name) {
            try {
                return new X509Certificate[] {(X509Certificate) store.getCertificate(name)};
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }

        @Override public PrivateKey getPrivateKey(String name) {
            try {
                return (PrivateKey) store.getKey(name, null);
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
