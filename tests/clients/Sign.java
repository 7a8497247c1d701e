// SPDX-License-Identifier: MIT
// A client of everyday use in Java: the key of an alias, by SunPKCS11, signs; its certificate verifies; and it opens TLS to a
// server that demands a certificate. `java Sign.java CONFIG PIN ALIAS ALGORITHM [PORT CA…]`; PIN may be empty.
import java.io.FileInputStream;
import java.net.Socket;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.Security;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

public class Sign {
    public static void main(String[] args) throws Exception {
        Provider provider = Security.getProvider("SunPKCS11").configure(args[0]);
        Security.addProvider(provider);
        char[] pin = args[1].isEmpty() ? null : args[1].toCharArray();
        KeyStore store = KeyStore.getInstance("PKCS11", provider);
        store.load(null, pin);

        byte[] message = new byte[100000];
        Signature signer = Signature.getInstance(args[3], provider);
        signer.initSign((PrivateKey) store.getKey(args[2], null));
        signer.update(message);
        byte[] signature = signer.sign();
        Signature verifier = Signature.getInstance(args[3]); // Java's own
        verifier.initVerify(store.getCertificate(args[2]));
        verifier.update(message);
        System.out.println("verified " + verifier.verify(signature));
        message[0] = 1;
        verifier.update(message);
        System.out.println("of another message " + verifier.verify(signature));
        if (args.length > 4)
            tls(store, Integer.parseInt(args[4]), args[5]);
    }

    private static void tls(KeyStore store, int port, String ca) throws Exception {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        try (FileInputStream in = new FileInputStream(ca)) {
            trusted.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(trusted);
        KeyManagerFactory keys = KeyManagerFactory.getInstance("NewSunX509");
        keys.init(new javax.net.ssl.KeyStoreBuilderParameters(
            KeyStore.Builder.newInstance(store, new KeyStore.PasswordProtection(null))));
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        for (String version : new String[] {"TLSv1.2", "TLSv1.3"}) {
            try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("localhost", port)) {
                socket.setEnabledProtocols(new String[] {version});
                socket.getOutputStream().write("GET / HTTP/1.0\r\n\r\n".getBytes());
                String answer = new String(socket.getInputStream().readAllBytes());
                System.out.println(answer.substring(answer.indexOf("\r\n\r\n") + 4).trim());
            }
        }
    }
}
